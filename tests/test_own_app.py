"""An app of one's own, from the README: its table, and nothing of the first case in anything it is shown."""

import functools
import json
import re

import pytest

import model
from model import checks, paths
from model.apps import report
from model.apps.cli import tables
from model.apps.cli.options import Format
from model.apps.explore import state, widget
from model.apps.report import site
from model.show import pictures

ROOT = paths.PACKAGE.parent


def example():
    """The scenario that the README shows."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.search(r"^```yaml\n(# chat.yaml.*?)^```$", text, re.M | re.S).group(1)


def test_the_readme_s_example_of_roles_has_every_row(tmp_path):
    text = re.search(
        r"^```yaml\n(# tracking.yaml.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.M | re.S
    ).group(1)
    (tmp_path / "tracking.yaml").write_text(text, encoding="utf-8")
    table = model.before_after(tmp_path / "tracking.yaml")
    assert table[["before", "after"]].notna().all(axis=None)
    assert table.loc["server load", "before"] == pytest.approx(60 / 10 + 0.3 * 60 / 5, rel=1e-9)  # polls and positions


@pytest.fixture(scope="module")
def chat(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "chat.yaml"
    path.write_text(example(), encoding="utf-8")
    return path


def test_the_example_of_the_readme_is_short_and_every_row_of_its_table_has_a_figure(chat):
    assert len([line for line in example().splitlines() if not line.startswith("#")]) <= 12
    table = model.before_after(chat, draws=64)
    assert table[["before", "after"]].notna().all(axis=None) and (table["verdict"] == "").all()
    assert model.load(chat).compared == ("poll", "push") and table.loc["told in time 1 s", "p_better"] == 1.0


def of_the_first_case():
    """Its words and numbers as a pattern: the names and titles of its parts, and the larger figures of its claims."""
    twilly, general = model.load("twilly"), {"before", "after", "notification", "content", "video", "upload", "images"}
    general |= {"processing", "app_start"}  # words that are anybody's
    parts = (twilly.events, twilly.screens, twilly.overlays, twilly.backgrounds, twilly.actions, twilly.designs)
    names = {name for part in parts for name in part} | {n for d in twilly.designs.values() for n in d.timers}
    titles = {d.title for d in twilly.designs.values() if "API Gateway" not in d.title}
    claimed = re.findall(r"\b[1-9]\d{3}\b", paths.data("claims", "twilly.yaml").read_text(encoding="utf-8"))
    anybodys = {"1000", "1080", "3600"}  # 1,080 B are an exchange on the wire too
    figures = {figure for n in {*claimed} - anybodys for figure in (n, f"{int(n):,}")}
    words = {"twilly", "broadcaster", "as documented", "the documents"} | names - general | titles
    pattern = [rf"\b{re.escape(word)}\b" for word in sorted(words)]
    return re.compile("|".join([*pattern, *(rf"(?<![\d.,]){n}(?![\d,])" for n in sorted(figures))]), re.I)


def read_of(path):
    """What a person can read of a file: a page without its scripts, a notebook without the numbers of its charts."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        return re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.S)
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    charts = ("application/vnd.plotly.v1+json", "image/png", "image/svg+xml")
    for output in (output for cell in cells for output in cell.get("outputs", ())):
        output["data"] = {kind: one for kind, one in output.get("data", {}).items() if kind not in charts}
    return json.dumps([[cell["source"], cell.get("outputs", ())] for cell in cells])


def test_its_report_has_every_page_but_those_about_claims_and_files_and_nothing_of_the_first_case(
    chat, tmp_path, monkeypatch
):
    monkeypatch.setattr(pictures, "available", lambda: False)  # what is read is text, whatever the draws
    monkeypatch.setattr(site, "SHOWN_DRAWS", 64)
    monkeypatch.setattr(site, "answer", functools.partial(site.answer, draws=64))
    report.write_report(str(chat), None, tmp_path)
    pages = {path.stem for path in tmp_path.glob("*.html")}
    wanted = {path.stem for path in paths.notebooks().glob("[0-9][0-9]_*.ipynb")} - {"08_claims", "11_calibrate"}
    assert pages == wanted | {"index", "glossary"}
    wrong = of_the_first_case()
    for path in sorted(p for p in tmp_path.rglob("*") if p.suffix in (".html", ".ipynb", ".csv", ".md")):
        assert not set(wrong.findall(read_of(path))), path.relative_to(tmp_path)
    for path in (tmp_path / "notebooks").iterdir():  # and it says what it was run on
        first = next(
            c for c in json.loads(path.read_text("utf-8"))["cells"] if "parameters" in c["metadata"].get("tags", ())
        )
        said = "".join(first["source"])
        assert f"scenario: str = '{chat}'  # a" in said and "users: float = 50000.0  # people" in said


def test_what_is_printed_of_it_and_its_page_have_nothing_of_the_first_case(chat, capsys):
    tables.table([str(chat)], draws=16)
    tables.show(str(chat))
    said = str(model.answer(chat, draws=16)) + model.compare(chat).to_string()
    page = widget.PageWidget(str(chat))
    drawn = {"drawn": page.drawn, "traces": page.traces, "said": page.said}
    with pytest.raises(checks.InputError) as refused:
        model.audit.claims(str(chat))
    for text in (capsys.readouterr().out, said, json.dumps(drawn, default=str), str(refused.value)):
        assert text and not set(of_the_first_case().findall(text))


def test_a_state_saved_from_its_page_reads_back_to_the_same_numbers(chat, tmp_path):
    moved = state.start(str(chat), {"before.timers.poll.period_s": 20, "push.api.backend": "server"})
    saved = model.load(state.saved(moved, "slower", tmp_path))
    assert list(saved.designs) == ["poll", "push"] and saved.designs["poll"].timers["poll"].period_s == 20
    assert model.before_after(saved).equals(model.before_after(moved.scenario()))


@pytest.mark.parametrize("change", [{"pair": ["push", "push"]}, {"pair": ["push", "poll"]}, {"users": 5}])
def test_any_pair_and_any_size_has_a_table(chat, change):
    table = model.before_after(model.load(chat).with_(change))
    assert table[["before", "after"]].notna().all(axis=None)
    if change.get("pair") == ["push", "push"]:
        assert (table["before"] == table["after"]).all()


def test_show_says_what_is_ones_own_what_comes_from_where_and_which_assumed_inputs_matter(chat, capsys):
    tables.show(str(chat))
    yours, taken, assumed = re.split(r"^(?=Taken|Assumed)", capsys.readouterr().out, flags=re.M)
    assert "events.message.per_active_day" in yours and "20 (5 to 60)" in yours and "poll.timers.poll.period_s" in yours
    assert "dau_mau_share" not in yours and "data/scenarios/blank.yaml" in taken
    assert "data/designs/websocket_api_gateway.yaml" in taken and "chat.yaml" not in taken
    assert "cost most (USD/month)" in assumed and "usage.dau_mau_share" in assumed
    assert "events.message.per_active_day" not in assumed  # a range of one's own is no assumption of the project


def test_an_input_that_is_ones_own_is_assumed_no_more(chat, tmp_path, capsys):
    path = tmp_path / "chat.yaml"
    path.write_text(chat.read_text("utf-8") + "usage: {dau_mau_share: 0.3}\n", encoding="utf-8")
    tables.show(str(path), format=Format.csv)
    rows = dict(line.split(",")[:1] + [line.split(",")[-2]] for line in capsys.readouterr().out.splitlines())
    assert rows["usage.dau_mau_share"] == paths.shown(path) != rows["usage.session_sigma_ln"]
    tables.show(str(path))
    assert "usage.dau_mau_share" not in capsys.readouterr().out.partition("Assumed")[2]


def test_list_names_all_that_a_scenario_may_name(capsys):
    from model import prices, radio, scenario

    wanted = {
        "scenarios": scenario.names(),
        "designs": model.catalogue().index,
        "regions": prices.regions(),
        "phones": ["iPhone 14", "Pixel 6"],
        "profiles": radio.profiles(),
        "platforms": ["ios", "android", "web"],
        "claims": ["twilly"],
    }
    assert wanted.keys() == set(tables.Kind)
    for kind, names in wanted.items():
        tables.listed(tables.Kind(kind), Format.csv)
        listed = {line.split(",")[0] for line in capsys.readouterr().out.splitlines()[1:]}
        assert listed >= set(names), kind
        assert kind == "phones" or len(listed) == len(names), kind


def test_show_of_a_file_without_a_price_or_a_second_design_says_so_below_its_tables(chat, tmp_path, capsys):
    path = tmp_path / "chat.yaml"
    text = chat.read_text("utf-8").replace("eu-west-1", "ap-southeast-6\nusers_near: ap-southeast-2")
    path.write_text(text, encoding="utf-8")
    tables.show(str(path))
    said = capsys.readouterr().out
    assert "users_near.place" in said.partition("Taken")[0] and "users_near.detour" not in said
    assert "Which assumed inputs move cost is not known: no price for" in said
    path.write_text(chat.read_text("utf-8").replace("  push: websocket_api_gateway\n", ""), encoding="utf-8")
    tables.show(str(path))
    assert "move cost is not known: a table of before and after needs two designs" in capsys.readouterr().out
    with pytest.raises(checks.InputError, match="unknown measure 'costs'; did you mean 'cost'"):
        tables.show(str(path), "costs")


def test_a_phone_may_be_given_by_its_battery_and_a_radio_profile_by_a_file(chat, tmp_path):
    from model import battery, paths

    own = tmp_path / "my_lte.csv"
    own.write_text((paths.data("radio", "lte_tmobile_2021.csv")).read_text(encoding="utf-8"), encoding="utf-8")
    case = model.load(chat)
    named = case.with_({"networks.lte.profiles": ["lte_tmobile_2021"], "phone": "iPhone 14"})
    given = case.with_({"networks.lte.profiles": [str(own)], "phone": battery.battery_j("iPhone 14") / 3600})
    for one, other in zip(*(model.evaluate(c).values("battery") for c in (named, given)), strict=True):
        assert one[0, 0] == pytest.approx(other[0, 0], rel=1e-12)
    with pytest.raises(model.InputError, match="phone must be a name, or the energy of a full battery > 0 Wh; got 0"):
        case.with_({"phone": 0.0})
    with pytest.raises(model.InputError, match="gone.csv"):
        case.with_({"networks.lte.profiles": [str(tmp_path / "gone.csv")]})
