"""XML as a tree of nodes that know their line; documents with a DOCTYPE are refused, they can hide anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from training.formats.labelled import Place
from training.index import DataError


@dataclass(slots=True)
class Node:
    """One element: tag, attributes, text before its first child, children, line."""

    path: Path
    tag: str
    attributes: dict[str, str]
    line: int
    text: str = ""
    children: list[Node] = field(default_factory=list)

    @property
    def place(self) -> Place:
        """Where it stands, for errors."""
        return Place(self.path, self.line, f"<{self.tag}>")

    def all(self, tag: str) -> list[Node]:
        """The children of this tag."""
        return [child for child in self.children if child.tag == tag]

    def one(self, tag: str) -> Node:
        """The only child of this tag; raises DataError where there is none or more."""
        found = self.all(tag)
        if len(found) != 1:
            raise self.place.error(f"must hold one <{tag}>, not {len(found)}")
        return found[0]

    def attribute(self, name: str) -> str:
        """An attribute; raises DataError where it is missing."""
        if name not in self.attributes:
            raise self.place.error(f"the attribute {name} is missing")
        return self.attributes[name]


def read_xml(path: Path) -> Node:
    """The root of an XML file; raises DataError naming file and line."""
    parser = expat.ParserCreate()
    top = Node(path, "", {}, 0)
    open_nodes = [top]

    def start(tag: str, attributes: dict[str, str]) -> None:
        node = Node(path, tag, attributes, parser.CurrentLineNumber)
        open_nodes[-1].children.append(node)
        open_nodes.append(node)

    def characters(text: str) -> None:
        if not open_nodes[-1].children:
            open_nodes[-1].text += text

    def refuse(*_: object) -> None:
        raise DataError(path, parser.CurrentLineNumber, "a DOCTYPE is not allowed")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _tag: open_nodes.pop()
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(path.read_bytes(), True)
    except OSError as error:
        raise DataError(path, None, f"cannot be read ({error.strerror})") from None
    except expat.ExpatError as error:
        raise DataError(path, error.lineno, f"is not XML ({expat.ErrorString(error.code)})") from None
    return top.children[0]
