"""Regions and prices of one's own: what prices a scenario, what overrides a list, and files that AWS's pages read."""

import json
from decimal import Decimal

import numpy as np
import pytest

import model
from model import cost, prices, readers
from model.checks import InputError
from model.show import display

WHOLE = (
    "us-east-1 us-east-2 us-west-1 us-west-2 ca-central-1 sa-east-1 eu-west-1 eu-west-2 eu-west-3 eu-central-1 "
    "eu-north-1 ap-south-1 ap-southeast-1 ap-southeast-2 ap-northeast-1 ap-northeast-2 ap-east-1"
).split()


@pytest.fixture(scope="module")
def twilly():
    return model.load("twilly")


def test_34_regions_have_a_book_and_17_of_them_every_meter():
    assert len(prices.regions()) == 34
    assert sorted(WHOLE) == sorted(r for r in prices.regions() if not prices.book(r).missing)


@pytest.mark.parametrize("region", WHOLE)
def test_a_whole_region_prices_the_default_scenario_and_the_catalogue(twilly, region, tmp_path):
    path = tmp_path / "all.yaml"
    designs = ", ".join(f"{name}: {{like: {name}}}" for name in model.catalogue().index)
    path.write_text(
        "users: 5000\nevents: {message: {per_active_day: 3, recipients: 2, online_share: 0.5, payload_bytes: 200}}\n"
        f"region: {region}\ndesigns: {{{designs}}}\n",
        encoding="utf-8",
    )
    for case in (twilly.with_({"region": region}), model.load(path)):
        usd = [float(np.ravel(model.evaluate(case)[name].total("cost"))[0]) for name in case.designs]
        assert np.isfinite(usd).all() and min(usd) > 0


def test_polling_on_own_servers_wins_in_mumbai_and_loses_in_virginia(twilly):
    alone = {"before.api.backend": "server", "refresh.opens_per_active_hour": 0.0, "refresh.pulls_per_active_hour": 0.0}
    table = cost.cheapest(twilly.with_(alone), [1e5, 1e6])
    assert table.loc["ap-south-1"].tolist() == [
        "before",
        pytest.approx(0.18, abs=0.01),
        "before",
        pytest.approx(0.26, abs=0.01),
    ]
    assert table.loc["us-east-1"].tolist()[:2] == ["after", pytest.approx(0.02, abs=0.01)]


def test_a_scenarios_own_price_takes_the_place_of_the_lists_and_the_table_says_so(twilly):
    own = twilly.with_({"prices": {"apigw_http_request": 2e-6, "lambda_request": 0}})
    plain, dear = (cost.by_service(case)["before"] for case in (twilly, own))
    requests = float(np.ravel(model.evaluate(twilly).before.usage["apigw_http_request"])[0])
    assert (
        dear["API Gateway"] == pytest.approx(requests * 2e-6, rel=1e-9) and dear["API Gateway"] > plain["API Gateway"]
    )
    said = "Your own price of apigw_http_request, lambda_request."
    assert said in display.as_text(model.before_after(own), "md")
    assert own.price_book().note("apigw_http_request") == "your own price"


def test_an_instance_that_no_list_has_is_priced_by_its_own_price(twilly):
    server = {"before.api.backend": "server", "before.server.instance": "t3_medium"}
    with pytest.raises(InputError, match="unknown server.instance 't3_medium'; did you mean 't4g_medium'"):
        cost.by_service(twilly.with_(server))
    priced = twilly.with_({**server, "prices": {"ec2_t3_medium_hour": 0.0416}})
    flat = twilly.with_({**server, "before.server.instance": "t4g_medium"})
    hours = cost.by_service(flat).loc["EC2", "before"] / 0.0336
    assert cost.by_service(priced).loc["EC2", "before"] == pytest.approx(hours * 0.0416, rel=1e-9)


def test_a_discount_is_a_factor_on_one_service(twilly):
    cut = twilly.with_({"discounts": {"Lambda": 0.8}})
    plain, less = (cost.by_service(case)["before"] for case in (twilly, cut))
    assert less["Lambda"] == pytest.approx(0.8 * plain["Lambda"], rel=1e-9)
    assert less.drop(["Lambda", "all"]).tolist() == plain.drop(["Lambda", "all"]).tolist()
    assert "Lambda at 80% of the list price." in display.as_text(model.before_after(cut), "md")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"prices": {"lambda_requests": 1}}, "unknown meter 'lambda_requests'; did you mean 'lambda_request'"),
        ({"prices": {"lambda_request": -1}}, "prices.lambda_request must be >= 0 USD; got -1"),
        ({"discounts": {"Lamda": 0.5}}, "unknown service 'Lamda'; did you mean 'Lambda'"),
        ({"discounts": {"Lambda": 1.5}}, "discounts.Lambda must be between 0 and 1; got 1.5"),
    ],
)
def test_each_mistake_with_own_prices_is_one_sentence(twilly, changes, sentence):
    with pytest.raises(InputError, match=sentence):
        twilly.with_(changes).price_book()


def test_a_folder_of_ones_own_overrides_single_rows_and_brings_its_own_sources(tmp_path, twilly):
    head = "meter,region,effective_from,tier_from,price_usd,unit,source,where,confidence\n"
    row = "apigw_ws_minute,us-east-1,2026-01-01,0,0.0000005,connection minute,contract,page 3,high\n"
    (tmp_path / "us-east-1.csv").write_text(head + row, encoding="utf-8")
    with pytest.raises(InputError, match="source must be an id of sources.csv; got 'contract'"):
        prices.book("us-east-1", extra=tmp_path)
    (tmp_path / "sources.csv").write_text("id,title\ncontract,our contract\n", encoding="utf-8")
    book, plain = prices.book("us-east-1", extra=tmp_path), prices.book("us-east-1")
    assert book.tiers("apigw_ws_minute")[0].price_usd == Decimal("0.0000005")
    assert book.tiers("apigw_ws_message") == plain.tiers("apigw_ws_message")
    assert twilly.with_({"prices_folder": str(tmp_path)}).price_book().tiers("apigw_ws_minute")[0].source == "contract"


# the JSON that AWS's pricing pages read


def page():
    names = {
        "WebSocket Connection Minutes": "0.00000025",
        "WebSocket Messages Messages first 1 billion": "0.000001",
        "WebSocket Messages Messages over 1 billion": "0.0000008",
    }
    entries = {
        name: {"rateCode": f"SKU{k}.A.B", "price": usd, "RegionlessRateCode": f"hash{k}"}
        for k, (name, usd) in enumerate(names.items())
    }
    entries |= {one["RegionlessRateCode"]: one for one in list(entries.values())}
    about = {"serviceId": "apigateway", "currencyCode": "USD", "hawkFilePublicationDate": "2026-10-05T17:56:10Z"}
    return {"manifest": about, "sets": {}, "regions": {"EU (Ireland)": entries, "US West (Verizon) - Phoenix": entries}}


def test_a_pricing_page_gives_the_tiers_of_our_meters_in_our_regions():
    rows = readers.load_price_list(page())
    assert {(r.meter, r.region, int(r.tier_from), str(r.price_usd)) for r in rows} == {
        ("apigw_ws_minute", "eu-west-1", 0, "2.5E-7"),
        ("apigw_ws_message", "eu-west-1", 0, "0.000001"),
        ("apigw_ws_message", "eu-west-1", 1_000_000_000, "8E-7"),
    }
    assert {(str(r.effective_from), r.where.split(", ")[0]) for r in rows} == {
        ("2026-10-05", "meteredUnitMaps/apigateway")
    }


def spoilt(path, value):
    document = page()
    *parents, last = path
    here = document
    for name in parents:
        here = here[name]
    if value is None:
        del here[last]
    else:
        here[last] = value
    return document


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (spoilt(("manifest", "currencyCode"), "CNY"), "prices must be in USD; got CNY"),
        (spoilt(("manifest", "serviceId"), "apigatway"), "unknown pricing page 'apigatway'; did you mean 'apigateway'"),
        (
            spoilt(("regions", "EU (Ireland)", "WebSocket Messages Messages over 1 billion"), None),
            "the tiers of apigw_ws_message in eu-west-1 must be whole; 'WebSocket Messages Messages over 1 billion' is",
        ),
        (
            spoilt(("regions", "EU (Ireland)", "WebSocket Connection Minutes", "price"), "free"),
            "a price must be a number; got 'free'",
        ),
        (spoilt(("manifest", "hawkFilePublicationDate"), "soon"), "hawkFilePublicationDate must be a date like"),
    ],
)
def test_a_page_that_cannot_be_used_is_refused_in_one_sentence(document, sentence):
    with pytest.raises(InputError, match=sentence.replace("(", r"\(").replace(")", r"\)")):
        readers.load_price_list(document)


def test_a_price_that_stands_twice_with_two_values_is_refused(tmp_path):
    text = json.dumps(page()).replace('"price": "0.00000025"', '"price": "0.00000025", "price": "0.00000030"', 1)
    (tmp_path / "page.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="a price must stand once in a file; 'price' stands twice"):
        readers.load_price_list(tmp_path / "page.json")


def test_every_price_of_the_sample_pages_is_recovered(shared):
    import csv

    from model.prices import list_pages

    wanted = list(csv.DictReader((shared / "samples" / "expected.csv").open(encoding="utf-8")))
    files = {row["file"] for row in wanted if row["kind"] == "price page"}
    assert files
    for file in files:
        document = json.loads((shared / "samples" / file).read_text(encoding="utf-8"))
        found = {f"{place}: {name}": (code, Decimal(usd)) for place, name, code, usd in list_pages.entries(document)}
        rows = readers.load_price_list(shared / "samples" / file)
        assert {str(r.effective_from) for r in rows} == {document["manifest"]["hawkFilePublicationDate"][:10]}
        for row in (r for r in wanted if r["file"] == file and ": " in r["quantity"]):
            name, _, what = row["quantity"].partition(", rate code")
            assert (
                found[name][0] == row["value"]
                if row["quantity"].endswith("rate code")
                else found[name][1] == Decimal(row["value"])
            )
    again = {(r.region, r.meter, r.tier_from): r.price_usd for r in rows}
    assert len(again) == len(rows)


def test_the_sample_pages_say_what_the_books_say(shared):
    for name in ("apigateway", "appsync", "elb", "iot"):
        for row in readers.load_price_list(shared / "samples" / "prices" / f"{name}.json"):
            here = {tier.tier_from: tier.price_usd for tier in prices.book(row.region).tiers(row.meter)}
            assert here[row.tier_from] == row.price_usd, row


def test_a_place_that_contradicts_its_usage_type_is_refused(shared):
    for end in ("csv", "json"):
        with pytest.raises(InputError, match="must name one region; 'EU .Ireland.' is eu-west-1 and usage type 'APS3-"):
            readers.load_price_list(shared / "samples" / "prices" / f"offer_awslambda_eu-west-1.{end}")


def test_an_empty_last_line_of_an_offer_file_is_no_row(shared, tmp_path):
    text = (shared / "samples" / "prices" / "offer_awslambda_eu-west-1.csv").read_text(encoding="utf-8")
    (tmp_path / "offer.csv").write_text(text.replace("APS3-", "EU-") + "\n", encoding="utf-8")
    rows = readers.load_price_list(tmp_path / "offer.csv")
    assert {(r.region, r.meter, float(r.price_usd)) for r in rows} == {
        ("eu-west-1", "lambda_gb_second_x86", 0.0000166667),
        ("eu-west-1", "lambda_request", 2e-7),
    }


def test_every_price_of_the_sample_offers_in_json_is_read(shared):
    import csv

    from model.prices import list_offers

    wanted = list(csv.DictReader((shared / "samples" / "expected.csv").open(encoding="utf-8")))
    for name in ("offer_awslambda_eu-west-1.json", "get_products_ec2.json"):
        document, _ = list_offers._document(shared / "samples" / "prices" / name)
        terms = list(list_offers._document_terms(document))
        found = {(t.attributes["usagetype"], Decimal(price)) for t in terms for _, _, price, _ in t.tiers}
        rows = [r for r in wanted if r["file"] == f"prices/{name}" and r["unit"].startswith("USD")]
        assert rows and {(r["quantity"].split(" ")[-1], Decimal(r["value"])) for r in rows} <= found


def test_a_file_is_read_once_and_answers_may_come_one_by_one(shared, monkeypatch):
    from model.prices import list_offers

    path, opened = shared / "samples" / "prices" / "offer_awslambda_eu-west-1.json", []
    text = path.read_text(encoding="utf-8").replace("APS3-", "EU-")
    read = json.loads
    monkeypatch.setattr(list_offers.json, "loads", lambda *given, **how: opened.append(1) or read(*given, **how))
    rows = readers.load_price_list(text)
    assert len(opened) == 1 and len(rows) == 2
    whole = read(text)
    records = [
        json.dumps({"product": one, "serviceCode": "AWSLambda", "terms": {"OnDemand": whole["terms"]["OnDemand"][sku]}})
        for sku, one in whole["products"].items()
    ]
    assert readers.load_price_list(iter(records)) == readers.load_price_list(records) != []
