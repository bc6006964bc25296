"""The glossary: every word that is linked is in it, every word in it is linked, and each says unit and place."""

import re

import nbformat

from model import paths

WORDS = dict(re.findall(r"^## (.+)\n\n(.+)$", paths.notebooks("glossary.md").read_text(encoding="utf-8"), re.M))


def texts():
    for path in sorted(paths.notebooks().glob("*.ipynb")):
        yield path.stem, " ".join(c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown")


def test_every_linked_word_is_in_the_glossary_and_every_word_is_linked_and_used():
    linked = {name: re.findall(r"\[([^]]+)\]\(glossary\.md#([\w-]+)\)", text) for name, text in texts()}
    assert all(linked.values()), [name for name, links in linked.items() if not links]
    assert {link for links in linked.values() for link in links} == {(w, w.replace(" ", "-")) for w in WORDS}
    assert len(WORDS) == 30 and "notebooks/glossary.md" in (paths.PACKAGE.parent / "README.md").read_text(
        encoding="utf-8"
    )


def test_each_word_is_one_sentence_with_its_unit_and_the_file_that_works_it_out():
    for word, said in WORDS.items():
        sentence, unit, file = re.fullmatch(
            r"([A-Z].+?\.) Unit: (.+?)\. Worked out in `(model/[\w/]+\.py)`\.", said
        ).groups()
        assert sentence.count(". ") == 0 and len(sentence.split()) <= 32 and unit, word
        assert (paths.PACKAGE.parent / file).is_file(), file


def test_a_report_has_the_glossary_as_a_page_with_an_address_for_each_word():
    from model.apps.report import setting
    from model.apps.report.pages import page_of

    page = page_of(paths.notebooks("glossary.md"))
    assert page.file == "glossary.html" and all(f'id="{word.replace(" ", "-")}"' in page.body for word in WORDS)
    link = '<a href="glossary.md#told-in-time">told in time</a>'
    assert setting.with_links(link, ["glossary"]) == link.replace(".md", ".html")
    assert setting.with_links(link, []) == "told in time"
