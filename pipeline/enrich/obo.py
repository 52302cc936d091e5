"""The OBO format: its lines to an ontology."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeline.enrich.ontology import Ontology, Term, make_ontology
from storage.errors import InputError


@dataclass(slots=True)
class _Stanza:
    """What one [Term] has said so far."""

    id: str = ""
    name: str = ""
    domain: str = ""
    obsolete: bool = False
    parents: list[tuple[str, str]] = field(default_factory=list)
    alternatives: list[str] = field(default_factory=list)
    replacements: list[str] = field(default_factory=list)

    def take(self, tag: str, value: str) -> None:
        """Note one `tag: value` line."""
        if tag == "is_a":
            self.parents.append(("is_a", value.split(maxsplit=1)[0]))
        elif tag == "relationship":
            relation, target = value.split()[:2]
            self.parents.append((relation, target))
        elif tag == "id":
            self.id = value
        elif tag == "name":
            self.name = value
        elif tag == "namespace":
            self.domain = value
        elif tag == "alt_id":
            self.alternatives.append(value)
        elif tag == "is_obsolete":
            self.obsolete = value == "true"
        elif tag == "replaced_by":
            self.replacements.append(value)


@dataclass(slots=True)
class _Reader:
    source: str
    header: dict[str, str] = field(default_factory=dict)
    terms: list[Term] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    obsolete: set[str] = field(default_factory=set)

    def close(self, stanza: _Stanza) -> None:
        """Keep a term that has come to its end."""
        domain = stanza.domain or self.header.get("default-namespace", "")
        if stanza.obsolete and stanza.id:
            self.obsolete |= {stanza.id, *stanza.alternatives}
            for name in stanza.alternatives:
                # A live term that has the id too is the better answer.
                self.moved.setdefault(name, stanza.id)
            # With several replacements the choice is a curator's.
            if len(stanza.replacements) == 1:
                self.moved[stanza.id] = stanza.replacements[0]
            return
        if not (stanza.id and stanza.name and domain):
            lacks = "id" if not stanza.id else "name" if not stanza.name else "namespace"
            raise InputError(
                f"{self.source} has a term {stanza.id} without {lacks}: it is truncated or no "
                "OBO of GO; download it again"
            )
        self.terms.append(
            Term(id=stanza.id, name=stanza.name, domain=domain, parents=tuple(stanza.parents))
        )
        self.moved.update(dict.fromkeys(stanza.alternatives, stanza.id))


def parse_obo(lines: Iterable[str], source: str) -> Ontology:
    """Read an ontology from the lines of an OBO file.

    Obsolete terms are left out, and known by their replacement where they have just one.

    Parameters
    ----------
    source
        Name of the file, for messages.

    Raises
    ------
    InputError
        This is no OBO file, or it is truncated, or `make_ontology` refuses it.
    """
    reader = _Reader(source)
    stanza: _Stanza | None = None
    in_header, line = True, "\n"
    for number, line in enumerate(lines):
        text = line.partition(" !")[0].strip()
        if number == 0 and not text.startswith("format-version:"):
            raise InputError(
                f"{source} is no OBO file: it starts with {text[:40]!r}, not with "
                "'format-version:'; download go-basic.obo again"
            )
        if text.startswith("["):
            if stanza is not None:
                reader.close(stanza)
            in_header = False
            stanza = _Stanza() if text == "[Term]" else None
            continue
        tag, colon, value = text.partition(":")
        value = value.strip()
        if in_header:
            reader.header[tag] = value
        elif stanza is not None and colon:
            try:
                stanza.take(tag, value)
            except (ValueError, IndexError) as error:
                raise InputError(f"{source}, line {number + 1}: {text!r} has no target") from error
    if not line.endswith("\n"):
        raise InputError(f"{source} is truncated in {line[:40]!r}; download it again")
    if stanza is not None:
        reader.close(stanza)
    if not reader.terms:
        raise InputError(
            f"{source} has no terms: it is truncated or no ontology; download it again"
        )
    return make_ontology(
        reader.terms,
        source=source,
        moved=reader.moved,
        obsolete=frozenset(reader.obsolete),
        version=reader.header.get("data-version", ""),
    )
