"""Reading an ontology: what is kept, what is counted, and what is refused."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from pipeline.enrich.annotation import Annotation
from pipeline.enrich.gene_sets import ancestors, propagate
from pipeline.enrich.lines import read_lines
from pipeline.enrich.obo import parse_obo
from pipeline.enrich.ontology import Ontology, Relations
from storage.errors import InputError

OBO = """format-version: 1.2
data-version: releases/2026-01-01
default-namespace: process

[Term]
id: GO:1
name: root

[Term]
id: GO:2
name: left
alt_id: GO:22
is_a: GO:1 ! root

[Term]
id: GO:3
name: right
is_a: GO:1 {source="x"} ! root

[Term]
id: GO:4
name: leaf
is_a: GO:2
relationship: part_of GO:3 ! right

[Term]
id: GO:5
name: regulation of leaf
relationship: regulates GO:4
relationship: occurs_in GO:7
relationship: part_of GO:7

[Term]
id: GO:6
name: old leaf
is_obsolete: true
replaced_by: GO:4

[Term]
id: GO:8
name: older leaf
is_obsolete: true
replaced_by: GO:4
replaced_by: GO:2

[Term]
id: GO:7
name: place
namespace: component

[Typedef]
id: part_of
name: part of
"""


def read(text: str = OBO) -> Ontology:
    return parse_obo(text.splitlines(keepends=True), "go.obo")


def parents_of(ontology: Ontology, term: str, relations: Relations) -> set[str]:
    child, parent = ontology.edges(relations)
    return {ontology.ids[p] for p in parent[child == ontology.place[term]]}


def test_live_terms_domains_and_version_are_read() -> None:
    ontology = read()
    assert ontology.ids == ("GO:1", "GO:2", "GO:3", "GO:4", "GO:5", "GO:7")
    assert ontology.names[3] == "leaf"
    assert ontology.domains == ("component", "process")
    assert ontology.domain_of.tolist() == [1, 1, 1, 1, 1, 0]
    assert ontology.version == "releases/2026-01-01"


def test_alternative_and_replaced_ids_lead_to_the_live_term() -> None:
    ontology = read()
    assert ontology.moved == {"GO:22": "GO:2", "GO:6": "GO:4"}
    assert ontology.obsolete == {"GO:6", "GO:8"}


def test_ids_that_moved_more_than_once_lead_to_where_they_moved_last() -> None:
    more = """
[Term]
id: GO:10
is_obsolete: true
replaced_by: GO:22

[Term]
id: GO:11
is_obsolete: true
alt_id: GO:12
replaced_by: GO:10

[Term]
id: GO:13
is_obsolete: true
replaced_by: GO:14

[Term]
id: GO:14
is_obsolete: true
replaced_by: GO:13

[Term]
id: GO:15
is_obsolete: true
alt_id: GO:16
"""
    ontology = read(OBO + more + "\n[Term]\nid: GO:17\nname: new\nis_a: GO:12\n")
    assert ontology.moved == {
        "GO:22": "GO:2",
        "GO:6": "GO:4",
        "GO:10": "GO:2",
        "GO:11": "GO:2",
        "GO:12": "GO:2",
    }
    assert parents_of(ontology, "GO:17", Relations.all) == {"GO:2"}
    assert {"GO:13", "GO:14", "GO:15", "GO:16"} <= ontology.obsolete


def test_edges_stay_in_their_domain_and_others_are_counted() -> None:
    ontology = read()
    assert parents_of(ontology, "GO:4", Relations.all) == {"GO:2", "GO:3"}
    assert parents_of(ontology, "GO:5", Relations.all) == {"GO:4"}
    assert parents_of(ontology, "GO:5", Relations.is_a_part_of) == set()
    assert ontology.dropped == {"relation occurs_in": 1, "across domains": 1}


def test_genes_go_up_to_all_ancestors_and_each_is_counted_once() -> None:
    ontology = read()
    leaf = np.array([ontology.place["GO:5"]], np.int32)
    direct = Annotation(("g",), np.zeros(1, np.int32), leaf, {})
    assert propagate(direct, ontology).terms.tolist() == [0, 1, 2, 3, 4]
    assert propagate(direct, ontology, Relations.is_a_part_of).terms.tolist() == [4]
    start, above = ancestors(ontology)
    assert above[start[3] : start[4]].tolist() == [0, 1, 2, 3]


def test_a_circle_is_refused_with_its_terms() -> None:
    with pytest.raises(InputError, match=r"circle: GO:\d → GO:\d"):
        read(OBO.replace("name: left\n", "name: left\nis_a: GO:4\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no terms"),
        ("hello\n", "no OBO file"),
        (OBO[: OBO.index("name: right")] + "na", "truncated"),
        (OBO[: OBO.index("[Term]\nid: GO:7")], "names GO:7"),
        (OBO.replace("name: leaf\n", ""), "without name"),
        (OBO.replace("id: GO:3\n", "id: GO:2\n"), "GO:2 twice"),
        (OBO.replace("part_of GO:3 ! right", "part_of"), "has no target"),
        (OBO[: OBO.index("[Term]")], "no terms"),
    ],
)
def test_a_damaged_file_is_refused_in_one_sentence(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("page", ["<!DOCTYPE html>\n<html>\n", "<html><head>", "\n <HTML>"])
def test_a_web_page_in_place_of_a_file_is_refused(tmp_path: Path, page: str) -> None:
    (tmp_path / "go.obo").write_text(page)
    with pytest.raises(InputError, match=r"web page|no OBO"):
        parse_obo(read_lines(tmp_path / "go.obo"), "go.obo")


def test_lines_come_from_gzip_without_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "go.obo.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + OBO.encode()))
    assert "".join(read_lines(path)) == OBO


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    whole = gzip.compress(OBO.encode() * 50)
    contents = {
        "cut.gz": (whole[: len(whole) // 2], "truncated or damaged"),
        "bad.gz": (whole[:60] + b"\xff" * 40 + whole[100:], "damaged"),
        "latin": ("name: \xe9\n".encode("latin-1"), "not UTF-8"),
        "binary": (b"format\0\n", "binary"),
    }
    for name, (data, message) in contents.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match=message):
            list(read_lines(tmp_path / name))
    with pytest.raises(InputError, match="can't be read"):
        list(read_lines(tmp_path / "absent"))
