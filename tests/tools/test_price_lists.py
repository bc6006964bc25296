"""AWS's own Price List files, GetProducts answers and the live service, read into dated price rows."""

import datetime
import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from model import paths, prices
from model.checks import InputError
from model.prices import list_changes as changes
from model.prices.rows import PriceRow
from tools import price_lists
from tools.price_lists.__main__ import main

LISTS = Path(__file__).parent / "price_lists"
APIGW = LISTS / "apigateway_us-east-1.json"
DYNAMODB = LISTS / "dynamodb_eu-west-1.csv"
MINUTE = "0.0000002500"  # USD a connection minute in the API Gateway list


def apigw(changes):
    """The API Gateway list with pieces of its text replaced."""
    text = APIGW.read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


def first_price(book, meter):
    return float(book.tiers(meter)[0].price_usd)


def row(**changes):
    plain = dict(
        meter="lambda_request",
        region="us-east-1",
        effective_from=datetime.date(2026, 1, 1),
        tier_from=Decimal(0),
        price_usd=Decimal("0.2"),
        unit="request",
        source="aws_price_list",
        where="test",
    )
    return PriceRow(**(plain | changes))


@pytest.fixture
def shelf(tmp_path):
    """A copy of the project's price files that a test may write to."""
    folder = tmp_path / "prices"
    folder.mkdir()
    for name in ("us-east-1.csv", "eu-west-1.csv"):  # with the rows of offer files alone
        lines = paths.data("prices", name).read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if "aws_price_watcher" not in line and "aws_price_copy" not in line]
        (folder / name).write_text("".join(kept), encoding="utf-8")
    return folder


def snapshot(folder):
    return {path.name: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


# AWS's Price List files


def test_an_offer_file_gives_the_tiers_of_the_book_whatever_their_order():
    loaded = price_lists.load_price_list(APIGW)
    book = prices.book("us-east-1")
    for meter in ("apigw_rest_request", "apigw_http_request", "apigw_ws_message", "apigw_ws_minute"):
        assert [(r.tier_from, r.price_usd) for r in loaded if r.meter == meter] == [
            (r.tier_from, r.price_usd) for r in book.tiers(meter)
        ]
    assert {r.effective_from for r in loaded} == {datetime.date(2025, 7, 1)}
    assert "SKU KKDZ3TFSXUSMCZ3A, usage type USE1-ApiGatewayRequest" in loaded[2].where


def test_a_text_sort_of_the_tiers_would_be_wrong():
    starts = [r.tier_from for r in price_lists.load_price_list(APIGW) if r.meter == "apigw_rest_request"]
    assert starts == sorted(starts) != sorted(starts, key=str)


def test_a_file_a_dict_and_json_text_are_the_same():
    text = APIGW.read_text()
    from_file = price_lists.load_price_list(APIGW)
    assert price_lists.load_price_list(json.loads(text)) == from_file
    assert price_lists.load_price_list(text) == from_file
    assert price_lists.load_price_list(str(APIGW)) == from_file


def test_a_csv_file_skips_its_preamble_reserved_terms_and_provisioned_and_infrequent_access_units():
    loaded = {r.meter: r for r in price_lists.load_price_list(DYNAMODB)}
    assert set(loaded) == {"dynamodb_read_unit", "dynamodb_write_unit", "dynamodb_storage_gb_month"}
    assert loaded["dynamodb_read_unit"].price_usd == Decimal("0.0000001415")
    assert loaded["dynamodb_write_unit"].price_usd == Decimal("0.0000007050")
    assert {r.region for r in loaded.values()} == {"eu-west-1"}


def test_a_free_first_tier_is_left_to_the_switch_of_the_bill():
    storage = [r for r in price_lists.load_price_list(DYNAMODB) if r.meter == "dynamodb_storage_gb_month"]
    assert [(r.tier_from, r.price_usd) for r in storage] == [(0, Decimal("0.283"))]


def test_a_get_products_answer_and_its_bare_list_of_strings_are_the_same():
    answer = json.loads((LISTS / "get_products_lambda_eu-west-1.json").read_text())
    loaded = price_lists.load_price_list(answer)
    assert price_lists.load_price_list(answer["PriceList"]) == loaded
    book = prices.book("eu-west-1")
    for meter in ("lambda_request", "lambda_gb_second_x86", "lambda_gb_second_arm"):
        assert [(r.tier_from, r.price_usd) for r in loaded if r.meter == meter] == [
            (r.tier_from, r.price_usd) for r in book.tiers(meter)
        ]


def test_event_api_connection_minutes_are_not_the_graphql_ones():
    loaded = {r.meter: r.price_usd for r in price_lists.load_price_list(LISTS / "appsync_eu-west-1.json")}
    assert loaded == {"appsync_event_minute": Decimal("0.00000008"), "appsync_event_operation": Decimal("0.000001")}


def test_internet_out_is_neither_regional_nor_between_regions_nor_the_free_global_one():
    loaded = price_lists.load_price_list(LISTS / "datatransfer_eu-west-1.json")
    assert [(r.region, r.tier_from, r.price_usd) for r in loaded] == [
        ("eu-west-1", r.tier_from, r.price_usd) for r in prices.book("eu-west-1").tiers("internet_out_gb")
    ]


def offer(code, *products):
    """An offer file of flat prices: family, attributes and price of each product, all in eu-west-1."""
    document = {"formatVersion": "v1.0", "offerCode": code, "version": "1", "products": {}, "terms": {"OnDemand": {}}}
    for number, (family, attributes, price) in enumerate(products):
        sku = f"SKU{number}"
        document["products"][sku] = {
            "sku": sku,
            "productFamily": family,
            "attributes": {"servicecode": code, "regionCode": "eu-west-1", **attributes},
        }
        dimension = {"beginRange": "0", "endRange": "Inf", "unit": "x", "pricePerUnit": {"USD": price}}
        document["terms"]["OnDemand"][sku] = {
            f"{sku}.JRTCKXETXF": {
                "sku": sku,
                "effectiveDate": "2026-07-01T00:00:00Z",
                "priceDimensions": {"rate": dimension},
            }
        }
    return document


LINUX = {
    "usagetype": "EU-BoxUsage:t4g.small",
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
}


@pytest.mark.parametrize(
    "document, expected",
    [
        (
            offer(
                "AmazonEC2",
                ("Compute Instance", LINUX | {"operatingSystem": "Windows"}, "9"),
                ("Compute Instance", LINUX, "0.0184"),
                ("Compute Instance", LINUX | {"tenancy": "Dedicated"}, "9"),
                ("Compute Instance", LINUX | {"capacitystatus": "UnusedCapacityReservation"}, "9"),
                ("Compute Instance", LINUX | {"usagetype": "EU-BoxUsage:t4g.small.x"}, "9"),
            ),
            {"ec2_t4g_small_hour": "0.0184"},
        ),
        (
            offer(
                "AmazonEC2",
                ("NAT Gateway", {"usagetype": "EU-RegionalNatGateway-Hours"}, "9"),
                ("NAT Gateway", {"usagetype": "EU-NatGateway-Hours"}, "0.048"),
            ),
            {"nat_gateway_hour": "0.048"},
        ),
        (
            offer(
                "AWSELB",
                ("Classic", {"usagetype": "EU-LoadBalancerUsage", "operation": "LoadBalancing"}, "9"),
                ("Load Balancer-Network", {"usagetype": "EU-LCUUsage", "operation": "LoadBalancing:Network"}, "0.006"),
                (
                    "Load Balancer-Application",
                    {"usagetype": "EU-LoadBalancerUsage", "operation": "LoadBalancing:Application"},
                    "0.0252",
                ),
                (
                    "Load Balancer-Application",
                    {"usagetype": "EU-LCUUsage", "operation": "LoadBalancing:Application"},
                    "0.008",
                ),
            ),
            {"alb_hour": "0.0252", "alb_lcu_hour": "0.008", "nlb_lcu_hour": "0.006"},
        ),
        (
            offer(
                "AWSQueueService",
                (
                    "API Request",
                    {"usagetype": "EU-Requests-FIFO-Tier1", "queueType": "FIFO (first-in, first-out)"},
                    "9",
                ),
                ("API Request", {"usagetype": "EU-Requests-RBP", "queueType": "Standard"}, "0.0000004"),
            ),
            {"sqs_request": "0.0000004"},
        ),
        (
            offer(
                "AmazonECS",
                ("Compute", {"usagetype": "EU-Fargate-GB-Hours"}, "0.004445"),
                ("Compute", {"usagetype": "EU-Fargate-Windows-GB-Hours"}, "9"),
                ("Compute", {"usagetype": "EU-SpotUsage-Fargate-GB-Hours"}, "9"),
            ),
            {"fargate_gb_hour_x86": "0.004445"},
        ),
        (
            offer(
                "AmazonCloudWatch",
                ("Data Payload", {"usagetype": "EU-DataProcessing-Bytes"}, "0.57"),
                ("Data Payload", {"usagetype": "EU-DataProcessingIA-Bytes"}, "9"),
                ("Data Payload", {"usagetype": "EU-VendedLog-Bytes-CFLogs"}, "9"),
            ),
            {"logs_ingest_gb": "0.57"},
        ),
    ],
    ids=["instances", "nat", "load balancers", "queues", "fargate", "logs"],
)
def test_lookalike_products_are_left_out(document, expected):
    loaded = price_lists.load_price_list(document)
    assert {r.meter: r.price_usd for r in loaded} == {meter: Decimal(usd) for meter, usd in expected.items()}


@pytest.mark.parametrize(
    "prefix, code",
    [
        ("USE1-", "us-east-1"),
        ("", "us-east-1"),
        ("EU-", "eu-west-1"),
        ("APS3-", "ap-south-1"),
        ("APS2-", "ap-southeast-2"),
    ],
)
@pytest.mark.parametrize("said", [True, False])
def test_the_usage_type_prefix_of_each_region_is_known(prefix, code, said):
    document = json.loads(APIGW.read_text())
    places = {"us-east-1": "US East (N. Virginia)"}
    for product in document["products"].values():
        attributes = product["attributes"]
        attributes["usagetype"] = attributes["usagetype"].replace("USE1-", prefix)
        attributes["location"] = places.get(code, "somewhere")
        attributes.pop("regionCode")
        if said:
            attributes["regionCode"] = code
    assert {r.region for r in price_lists.load_price_list(document)} == {code}


def test_another_regions_prefix_is_no_match():
    document = json.loads(APIGW.read_text())
    for product in document["products"].values():
        product["attributes"]["regionCode"] = "eu-west-1"
    with pytest.raises(InputError, match="must hold a price of one of our meters; got none"):
        price_lists.load_price_list(document)


def with_tiers(change):
    document = json.loads(APIGW.read_text())
    term = document["terms"]["OnDemand"]["FC2TWT2UEPTBKVBX"]["FC2TWT2UEPTBKVBX.JRTCKXETXF"]
    change(list(term["priceDimensions"].values()), term)
    return document


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda tiers, _: tiers[0].update(beginRange="300000001"), "must join; got a gap between 300000000"),
        (lambda tiers, _: tiers[0].update(beginRange="200000000"), "must join; got an overlap between 300000000"),
        (lambda tiers, _: tiers[0].update(endRange="900000000"), "must have no end; got a gap above 900000000"),
        (lambda tiers, _: tiers[1].update(beginRange="5"), "got a gap between 0 and 5"),
        (lambda tiers, _: tiers[0].update(pricePerUnit={"CNY": "0.000006"}), "prices must be in USD; got CNY"),
        (lambda tiers, _: tiers[0]["pricePerUnit"].update(USD="-1"), "a price must be >= 0; got -1"),
        (lambda tiers, _: tiers[0]["pricePerUnit"].update(USD="free"), "a price must be a number; got 'free'"),
        (lambda _, term: term.update(effectiveDate="soon"), "must be a date like 2026-09-30; got 'soon'"),
        (lambda _, term: term.pop("priceDimensions"), "in AWS's format, with products and terms; KeyError"),
    ],
)
def test_a_price_list_that_cannot_be_used_gives_one_sentence_and_writes_nothing(shelf, change, sentence):
    before = snapshot(shelf)
    with pytest.raises(InputError, match=sentence):
        price_lists.refresh(with_tiers(change), folder=shelf)
    assert snapshot(shelf) == before


def test_a_csv_list_in_another_currency_is_refused(tmp_path):
    path = tmp_path / "index.csv"
    path.write_text(DYNAMODB.read_text().replace('"USD"', '"CNY"'))
    with pytest.raises(InputError, match="prices must be in USD; got CNY"):
        price_lists.load_price_list(path)


def test_two_prices_for_one_meter_are_refused():
    document = json.loads(APIGW.read_text())
    twin = json.loads(json.dumps(document["products"]["UTA8VPBNDBWNCNMC"])) | {"sku": "TWIN"}
    other = json.dumps(document["terms"]["OnDemand"]["UTA8VPBNDBWNCNMC"]).replace(MINUTE, "0.0000003000")
    document["products"]["TWIN"] = twin
    document["terms"]["OnDemand"]["TWIN"] = json.loads(other)
    with pytest.raises(InputError, match="apigw_ws_minute in us-east-1 must have one price on 2025-07-01"):
        price_lists.load_price_list(document)


@pytest.mark.parametrize(
    "name, text, sentence",
    [
        ("a.json", "{}", "must be in AWS's format, with products and terms"),
        ("a.json", "{not json", "must be in AWS's format, with products and terms"),
        ("a.csv", "a,b\n1,2\n", "must have a header line that starts with SKU"),
        ("a.csv", "SKU,Unit\nX,GB\n", "must have the column 'startingrange'"),
    ],
)
def test_a_file_that_is_no_price_list_is_refused_by_name(tmp_path, name, text, sentence):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match=f"{sentence}.*{name}"):
        price_lists.load_price_list(path)


def test_a_missing_price_list_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match="must be a file that can be read; No such file.*gone.json"):
        price_lists.load_price_list(tmp_path / "gone.json")


# refreshing the books


def test_refresh_adds_dated_rows_edits_none_and_shows_the_difference(shelf):
    before = snapshot(shelf)
    table = price_lists.refresh(apigw({MINUTE: "0.0000002000", "2025-07-01": "2026-11-01"}), folder=shelf)
    assert table[["meter", "old_usd", "new_usd", "what"]].values.tolist() == [
        ["apigw_ws_minute", 2.5e-7, 2e-7, "cheaper"]
    ]
    assert table["change"][0] == pytest.approx(-0.2)
    after = snapshot(shelf)
    assert after["us-east-1.csv"].startswith(before["us-east-1.csv"])
    assert {name for name in after if after[name] != before.get(name)} == {"us-east-1.csv"}
    for day, usd in (("2026-10-31", 2.5e-7), ("2026-11-01", 2e-7)):
        assert first_price(prices.book("us-east-1", on=day, folder=shelf), "apigw_ws_minute") == usd


def test_refresh_with_unchanged_prices_writes_nothing(shelf):
    before = snapshot(shelf)
    assert price_lists.refresh(APIGW, folder=shelf).empty
    assert snapshot(shelf) == before


def test_refresh_without_writing_only_shows(shelf):
    before = snapshot(shelf)
    table = price_lists.refresh(apigw({MINUTE: "0.0000003000", "2025-07-01": "2026-11-01"}), shelf, write=False)
    assert list(table["what"]) == ["dearer"]
    assert snapshot(shelf) == before


def test_refresh_adds_a_region(shelf):
    table = price_lists.refresh(apigw({"us-east-1": "eu-central-1", "USE1-": "EUC1-"}), folder=shelf)
    assert set(table["what"]) == {"new"}
    book = prices.book("eu-central-1", folder=shelf)
    assert first_price(book, "apigw_ws_minute") == 2.5e-7
    assert "lambda_request" in book.missing


def test_refresh_starts_an_empty_folder(tmp_path):
    price_lists.refresh(DYNAMODB, folder=tmp_path)
    assert prices.regions(tmp_path) == ("eu-west-1",)


def test_an_earlier_list_ends_the_backdating(shelf):
    assert "apigw_ws_minute" in prices.book("us-east-1", on="2024-06-01", folder=shelf).backdated
    price_lists.refresh(apigw({"2025-07-01": "2024-01-01"}), folder=shelf)
    assert "apigw_ws_minute" not in prices.book("us-east-1", on="2024-06-01", folder=shelf).backdated


def test_a_second_price_for_the_same_day_is_refused_and_nothing_is_written(shelf):
    before = snapshot(shelf)
    sentence = "never edited; apigw_ws_minute in us-east-1 has another price of 2025-07-01"
    with pytest.raises(InputError, match=sentence):
        price_lists.refresh(apigw({MINUTE: "0.0000003000"}), folder=shelf)
    assert snapshot(shelf) == before


def test_a_failure_while_writing_leaves_nothing_behind(shelf, monkeypatch):
    def full(*_):
        raise OSError("no space left on device")

    before = snapshot(shelf)
    monkeypatch.setattr(changes, "file_rows", full)
    with pytest.raises(OSError):
        price_lists.refresh(apigw({"us-east-1": "eu-central-1", "USE1-": "EUC1-"}), folder=shelf)
    assert snapshot(shelf) == before
    assert sorted(path.name for path in shelf.iterdir()) == sorted(before)


def test_the_difference_of_a_book_and_itself_is_empty():
    book = prices.book("us-east-1")
    assert price_lists.difference(book, book).empty


def test_the_difference_shows_tiers_that_came_and_went():
    old = [row(), row(tier_from=Decimal(10), price_usd=Decimal("0.1"))]
    new = [
        row(effective_from=datetime.date(2026, 2, 1)),
        row(effective_from=datetime.date(2026, 2, 1), tier_from=Decimal(20), price_usd=Decimal("0.1")),
    ]
    table = price_lists.difference(old, new)
    assert table[["tier_from", "what"]].values.tolist() == [[10, "gone"], [20, "new"]]


# the program


def test_the_program_looks_writes_all_files_at_once_and_says_so(shelf, capsys):
    before = snapshot(shelf)
    lists = [str(LISTS / name) for name in ("appsync_eu-west-1.json", "apigateway_us-east-1.json")]
    assert main([*lists, "--folder", str(shelf), "--look"]) == 0
    assert "appsync_event_minute" in capsys.readouterr().out and snapshot(shelf) == before
    assert main([*lists, "--folder", str(shelf)]) == 0
    assert {name for name, text in snapshot(shelf).items() if text != before[name]} == {"eu-west-1.csv"}
    capsys.readouterr()
    assert main([*lists, "--folder", str(shelf)]) == 0
    assert capsys.readouterr().out == "no price has changed\n"


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ([], "price_lists: give price list files, or --live with a region\n"),
        (["a.json", "--live", "eu-west-1"], "price_lists: give price list files, or --live with a region\n"),
        (["nowhere.json"], "price_lists: a price list must be a file that can be read; No such file or directory"),
    ],
)
def test_a_mistake_to_the_program_is_one_sentence_and_exit_code_2(arguments, sentence, shelf, capsys):
    before = snapshot(shelf)
    assert main([*arguments, "--folder", str(shelf)]) == 2
    told = capsys.readouterr()
    assert told.err.startswith(sentence) and told.err.count("\n") == 1 and told.out == ""
    assert snapshot(shelf) == before


# the live service


class Service:
    """Answers GetProducts from the fixture, in pages of one record."""

    def __init__(self):
        self.records = json.loads((LISTS / "get_products_lambda_eu-west-1.json").read_text())["PriceList"]

    def get_products(self, ServiceCode, Filters, NextToken="0"):
        wanted = {f["Field"]: f["Value"] for f in Filters}
        assert all(f["Type"] == "TERM_MATCH" for f in Filters)
        found = [
            r
            for r in self.records
            if json.loads(r)["serviceCode"] == ServiceCode
            and wanted.items() <= json.loads(r)["product"]["attributes"].items()
        ]
        page = int(NextToken)
        more = {"NextToken": str(page + 1)} if page + 1 < len(found) else {}
        return {"FormatVersion": "aws_v1", "PriceList": found[page : page + 1], **more}


def test_live_prices_are_asked_for_by_usage_type_and_read_like_a_file():
    answer = json.loads((LISTS / "get_products_lambda_eu-west-1.json").read_text())
    assert price_lists.live("eu-west-1", client=Service()) == price_lists.load_price_list(answer)


def test_live_prices_without_boto3_say_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(InputError, match=r"needs boto3; install it with: pip install -e '.\[aws\]'"):
        price_lists.live("eu-west-1")


def test_a_live_service_that_does_not_answer_gives_one_sentence():
    exceptions = pytest.importorskip("botocore.exceptions")

    class Down:
        def get_products(self, **_):
            raise exceptions.NoCredentialsError()

    with pytest.raises(InputError, match="AWS's price service must answer; NoCredentialsError"):
        price_lists.live("eu-west-1", client=Down())


def test_live_prices_of_an_unknown_region_are_refused():
    with pytest.raises(InputError, match="unknown region 'eu-west-9'"):
        price_lists.live("eu-west-9", client=Service())
