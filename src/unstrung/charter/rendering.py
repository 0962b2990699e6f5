"""Changes of a charter as Markdown, in the language of the charter."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from unstrung.charter.changes import Change, CharterChanges, ClauseChange, Part, SentenceChange
from unstrung.charter.clauses import Side


@dataclass(frozen=True)
class _Words:
    """What a page of changes says around the sentences."""

    title: str  # with {before} and {after}
    nothing: str
    layout: str
    opening: str
    we: str
    you: str
    heading: str
    text: str
    before: str
    after: str
    place: str  # with {before} and {after}
    changes: tuple[str, str, str, str]  # in the order of Change
    comma: str = ", "


_WORDS: Final[Mapping[str, _Words]] = MappingProxyType(
    {
        "en": _Words(
            title="What changes from version {before} to version {after}",
            nothing="Nothing changes.",
            layout="No sentence changes; only lines were broken or joined.",
            opening="Opening",
            we="What we promise",
            you="What you promise",
            heading="Heading",
            text="Text for both sides",
            before="before",
            after="now",
            place="It was number {before} and is now number {after}.",
            changes=("added", "removed", "moved", "reworded"),
        ),
        "it": _Words(
            title="Che cosa cambia dalla versione {before} alla versione {after}",
            nothing="Non cambia nulla.",
            layout="Nessuna frase cambia; alcune righe sono state solo divise o unite.",
            opening="Apertura",
            we="Che cosa promettiamo noi",
            you="Che cosa prometti tu",
            heading="Titolo",
            text="Testo per entrambe le parti",
            before="prima",
            after="ora",
            place="Era il numero {before} e ora è il numero {after}.",
            changes=("aggiunta", "tolta", "spostata", "riformulata"),
        ),
        "fr": _Words(
            title="Ce qui change de la version {before} à la version {after}",
            nothing="Rien ne change.",
            layout="Aucune phrase ne change : des lignes ont seulement été coupées ou jointes.",
            opening="Ouverture",
            we="Ce que nous promettons",
            you="Ce que vous promettez",
            heading="Titre",
            text="Texte pour les deux parties",
            before="avant",
            after="maintenant",
            place="Elle portait le numéro {before} et porte maintenant le numéro {after}.",
            changes=("ajoutée", "retirée", "déplacée", "reformulée"),
        ),
        "es": _Words(
            title="Lo que cambia de la versión {before} a la versión {after}",
            nothing="Nada cambia.",
            layout="Ninguna frase cambia; solo se han partido o unido líneas.",
            opening="Apertura",
            we="Lo que prometemos",
            you="Lo que prometes",
            heading="Título",
            text="Texto para ambas partes",
            before="antes",
            after="ahora",
            place="Tenía el número {before} y ahora tiene el número {after}.",
            changes=("añadida", "retirada", "movida", "reformulada"),
        ),
        "ar": _Words(
            title="ما يتغير من الإصدار {before} إلى الإصدار {after}",
            nothing="لا شيء يتغير.",
            layout="لا تتغير أي جملة؛ قُسمت أسطر أو ضُمت فقط.",
            opening="الافتتاح",
            we="ما نعد به نحن",
            you="ما تعد به أنت",
            heading="العنوان",
            text="نص للطرفين",
            before="قبل",
            after="الآن",
            place="كان الرقم {before} وأصبح الآن {after}.",
            changes=("إضافة", "حذف", "نقل", "إعادة صياغة"),
            comma="، ",
        ),
        "id": _Words(
            title="Yang berubah dari versi {before} ke versi {after}",
            nothing="Tidak ada yang berubah.",
            layout="Tidak ada kalimat yang berubah; hanya baris yang dipisah atau digabung.",
            opening="Pembuka",
            we="Yang kami janjikan",
            you="Yang Anda janjikan",
            heading="Judul",
            text="Teks untuk kedua pihak",
            before="sebelumnya",
            after="sekarang",
            place="Tadinya nomor {before} dan sekarang nomor {after}.",
            changes=("ditambahkan", "dihapus", "dipindahkan", "diubah kata-katanya"),
        ),
    }
)


def to_markdown(changes: CharterChanges) -> str:
    """Write the changes as a page: first how many duties of which side change, then every clause."""
    words = _WORDS[changes.language]
    title = words.title.format(before=changes.version_before, after=changes.version_after)
    lines = [f"# {title}", ""]
    if changes.is_empty:
        return "\n".join([*lines, words.layout if changes.is_layout_only else words.nothing, ""])
    lines += [
        f"- {_label(words, Part(side.value))}: {_count(words, changes.duties(side))}"
        for side in Side
    ]
    if changes.opening:
        lines += ["", f"## {words.opening}", *_parts(words, changes.opening)]
    for clause in changes.clauses:
        lines += ["", *_clause(words, clause)]
    return "\n".join([*lines, ""])


def _clause(words: _Words, clause: ClauseChange) -> list[str]:
    number = clause.number_after if clause.number_after is not None else clause.number_before
    became = words.comma.join(_name(words, change) for change in clause.changes)
    lines = [f"## {number}. {clause.title} ({became})"]
    if Change.MOVED in clause.changes:
        place = words.place.format(before=clause.number_before, after=clause.number_after)
        lines += ["", place]
    return lines + _parts(words, clause.sentences)


def _parts(words: _Words, sentences: Sequence[SentenceChange]) -> list[str]:
    lines: list[str] = []
    for part in Part:
        told = [each for each in sentences if each.part is part]
        if told:
            lines += ["", f"### {_label(words, part)}", ""]
        for each in told:
            lines += _sentence(words, each)
    return lines


def _sentence(words: _Words, each: SentenceChange) -> list[str]:
    name = _name(words, each.change)
    if each.change is Change.REWORDED:
        return [
            f"- {name}",
            f"  - {words.before}: {each.before}",
            f"  - {words.after}: {each.after}",
        ]
    return [f"- {name}: {each.after or each.before}"]


def _count(words: _Words, told: Sequence[SentenceChange]) -> str:
    counts = Counter(each.change for each in told)
    parts = [f"{_name(words, change)} {counts[change]}" for change in Change if counts[change]]
    return words.comma.join(parts) or words.nothing


def _name(words: _Words, change: Change) -> str:
    return words.changes[list(Change).index(change)]


def _label(words: _Words, part: Part) -> str:
    match part:
        case Part.TITLE:
            return words.heading
        case Part.TEXT:
            return words.text
        case Part.WE:
            return words.we
        case Part.YOU:
            return words.you
