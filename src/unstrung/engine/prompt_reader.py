"""Reading a prompt: which words stand for which concepts, in order of appearance.

Known phrases come first, the longest first; what remains may go to the encoder. It builds no script.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unstrung.engine.prompt_nearest import ACTORS_ONLY, NearestConcepts
from unstrung.engine.prompt_words import (
    Concept,
    Lexicon,
    articles_of,
    fold,
    folded_words,
    split_words,
)
from unstrung.engine.theatre.script import PAIR_ACTIONS
from unstrung.engine.theatre.vocabulary import LANGUAGES

MAX_ENCODED_WORDS = 64
_PARTNER_ACTIONS = frozenset(action.value for action in PAIR_ACTIONS)


@dataclass(frozen=True)
class Token:
    """A word of the prompt, articles taken off and remembered."""

    word: str
    folded: str
    determined: str = ""  # "indefinite" or "definite" after an article


@dataclass(frozen=True)
class Found:
    """A concept at a place in the prompt."""

    start: int
    end: int
    words: str
    concept: Concept
    determined: str
    similarity: float = 1.0


class Reader:
    """Finds known phrases in text, longest first: own language, then English, then the others."""

    def __init__(self, language: str, lexicons: Mapping[str, Lexicon]) -> None:
        self.language = language
        self.lexicon = lexicons[language]
        self.others = [lexicons[each] for each in ("en", *LANGUAGES) if each != language]

    def tokens(self, text: str) -> list[Token]:
        """Words with articles taken off and remembered."""
        indefinite = folded_words(self.language, "indefinite")
        articles = articles_of(self.language)
        tokens, determined = [], ""
        for word in split_words(text):
            folded = self._unglued(fold(word, self.language))
            if folded in articles:
                determined = "indefinite" if folded in indefinite else "definite"
                continue
            tokens.append(Token(word, folded, determined))
            determined = ""
        return tokens

    def _unglued(self, word: str) -> str:
        """Arabic "and" sticks to its word; take it off where the rest is a known word."""
        if self.language != "ar" or word in self.lexicon.words or word[:1] not in ("و", "ب", "ل"):
            return word
        rest = fold(word[1:], "ar")
        return rest if rest in self.lexicon.words else word

    def known_phrases(self, tokens: Sequence[Token]) -> tuple[list[Found], list[int]]:
        """Phrases that the word lists hold, and the places of words that they do not."""
        found: list[Found] = []
        unknown: list[int] = []
        ignored = folded_words(self.language, "stop")
        start = 0
        while start < len(tokens):
            match = self._phrase_at(tokens, start, found)
            if match:
                found.append(match)
                start = match.end
                continue
            if tokens[start].folded not in ignored:
                unknown.append(start)
            start += 1
        return found, unknown

    def _phrase_at(
        self, tokens: Sequence[Token], start: int, before: Sequence[Found]
    ) -> Found | None:
        ignored = folded_words(self.language, "stop")
        for lexicon in (self.lexicon, *self.others):
            for length in range(min(lexicon.longest, len(tokens) - start), 0, -1):
                span = tokens[start : start + length]
                if lexicon is self.lexicon:
                    key = tuple(token.folded for token in span)
                    # Small words mean something else only as they stand, not by their stem.
                    is_small = length == 1 and key[0] in ignored
                    concepts = lexicon.exact.get(key, []) if is_small else lexicon.find(key)
                elif len(span[0].word) > 3 and span[0].folded not in ignored:
                    key = tuple(fold(token.word, lexicon.language) for token in span)
                    concepts = lexicon.exact.get(key, [])
                else:
                    concepts = []
                if concepts:
                    determined = span[0].determined
                    if before and before[-1].end == start:
                        kind = before[-1].concept.kind
                        determined = "indefinite" if kind in ("count", "size") else determined
                    words = " ".join(token.word for token in span)
                    concept = _prefer(concepts, determined)
                    return Found(start, start + length, words, concept, determined)
        return None

    def keywords(
        self, tokens: Sequence[Token], found: list[Found], unknown: list[int]
    ) -> tuple[list[Found], list[int]]:
        """Take CLDR keywords for actors, where nobody is named outright."""
        extra: list[Found] = []
        for i in unknown:
            concept = self.lexicon.keywords.get((tokens[i].folded,))
            if concept and len(extra) < 2:
                extra.append(Found(i, i + 1, tokens[i].word, concept, tokens[i].determined))
        taken = {each.start for each in extra}
        return [*found, *extra], [i for i in unknown if i not in taken]

    def worth_asking(self, tokens: Sequence[Token], unknown: Sequence[int]) -> list[int]:
        """Unknown words that the encoder may know: no colours, no scraps, not too many."""
        colours = folded_words(self.language, "colours")
        least = 3 if self.language == "ar" else 4
        worth = [
            i for i in unknown if tokens[i].folded not in colours and len(tokens[i].word) >= least
        ]
        return worth[:MAX_ENCODED_WORDS]


def ask_encoder(
    nearest: NearestConcepts,
    tokens: Sequence[Token],
    found: Sequence[Found],
    asked: Sequence[int],
) -> list[Found]:
    """Nearest concepts of unknown words, for the kinds that are still open."""
    taken = {each.concept.kind for each in found}
    num_actors = len({each.concept.value for each in found if each.concept.kind == "actor"})
    single = frozenset({"setting", "action", "weather", "time", "style"}) - taken
    kinds = []
    for i in asked:
        # After "a" or a number somebody must come on stage, as long as nobody has.
        introduced = tokens[i].determined == "indefinite"
        if num_actors == 0 and introduced:
            kinds.append(ACTORS_ONLY)
        else:
            may_act = num_actors == 0 or (num_actors == 1 and introduced)
            kinds.append(single | ACTORS_ONLY if may_act else single)
    near = nearest.find([tokens[i].word for i in asked], kinds)
    results: list[Found] = []
    for i, neighbour in zip(asked, near, strict=True):
        used = [each.concept.kind for each in results]
        takes_two = neighbour is not None and neighbour.concept.value in _PARTNER_ACTIONS
        if takes_two and num_actors < 2:
            continue
        if neighbour and (neighbour.concept.kind == "actor" or neighbour.concept.kind not in used):
            word, determined = tokens[i].word, tokens[i].determined
            similarity = neighbour.similarity
            results.append(Found(i, i + 1, word, neighbour.concept, determined, similarity))
    return results


def _prefer(concepts: Sequence[Concept], determined: str) -> Concept:
    """Let the word before decide between an actor and something else.

    "A fly" is an actor and "fly" an action; "three clouds" are actors and "the clouds" a setting.
    """
    actor = next((each for each in concepts if each.kind == "actor"), None)
    other = next((each for each in concepts if each.kind != "actor"), None)
    if actor is None or other is None:
        return concepts[0]
    named = determined == "indefinite" or (determined == "definite" and other.kind == "action")
    return actor if named else other
