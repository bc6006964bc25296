"""Price books: the row in force on a date, what a region lacks, and files that cannot be used."""

import csv
import dataclasses
import datetime
import itertools
import math
import pickle
import re
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest

from model import ledger, paths, prices
from model.checks import InputError
from model.prices import books
from model.prices.rows import PriceRow


def prices_of(book, meter):
    return [(int(row.tier_from), float(row.price_usd)) for row in book.tiers(meter)]


def key_and_price(raw):
    return (raw["meter"], raw["region"], raw["effective_from"], Decimal(raw["tier_from"]), Decimal(raw["price_usd"]))


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


# the books


def test_every_researched_price_stands_in_the_books_to_the_last_digit(shared):
    with open(shared / "facts" / "aws_prices.csv", newline="") as lines:
        facts = {key_and_price(raw) for raw in csv.DictReader(lines)}
    assert facts <= {key_and_price(raw) for path in paths.data("prices").glob("*.csv") for raw in ledger.read_csv(path)}


def test_dynamodb_was_halved_on_2024_11_01_in_us_east_1():
    before, after = (prices.book("us-east-1", on=day) for day in ("2024-10-31", "2024-11-01"))
    assert prices_of(before, "dynamodb_write_unit") == [(0, 1.25e-6)]
    assert prices_of(before, "dynamodb_read_unit") == [(0, 0.25e-6)]
    assert prices_of(after, "dynamodb_write_unit") == [(0, 0.625e-6)]
    assert prices_of(after, "dynamodb_read_unit") == [(0, 0.125e-6)]
    assert "dynamodb_write_unit" not in before.backdated


def test_rest_tiers_of_us_east_1_are_not_those_of_eu_west_1():
    us, eu = (prices_of(prices.book(region), "apigw_rest_request") for region in ("us-east-1", "eu-west-1"))
    assert [usd * 1e6 for _, usd in us] == pytest.approx([3.50, 2.80, 2.38, 1.51])
    assert [usd * 1e6 for _, usd in eu] == pytest.approx([3.50, 3.19, 2.71, 1.72])


def test_no_date_takes_the_newest_rows():
    newest = prices.book("us-east-1")
    assert prices_of(newest, "dynamodb_write_unit") == [(0, 0.625e-6)]
    assert not newest.backdated
    assert newest.on == max(r.effective_from for region in prices.regions() for r in prices.book(region).rows)


def test_an_earlier_date_takes_the_earliest_row_and_marks_it():
    book = prices.book("us-east-1", on="2018-01-01")
    assert "apigw_ws_message" in book.backdated
    assert "dynamodb_write_unit" in book.backdated
    assert prices_of(book, "dynamodb_write_unit") == [(0, 1.25e-6)]
    assert "backdated" in book.note("apigw_ws_message")


def test_the_day_of_a_row_is_not_backdated():
    assert "lambda_request" not in prices.book("us-east-1", on="2026-09-19").backdated
    assert "lambda_request" in prices.book("us-east-1", on="2026-09-18").backdated


@pytest.mark.parametrize("on", ["2026-09-30", datetime.date(2026, 9, 30), datetime.datetime(2026, 9, 30, 23)])
def test_a_date_may_be_text_or_a_date(on):
    assert prices.book("us-east-1", on=on).on == datetime.date(2026, 9, 30)


def test_a_region_lists_the_meters_it_lacks_and_borrows_none():
    book, every = prices.book("ap-southeast-6"), {m for r in prices.regions() for m in prices.book(r).meters}
    assert set(book.missing) == every - set(book.meters) and {"apigw_ws_message", "iot_minute"} <= set(book.missing)


def test_a_price_known_for_the_first_tier_only_says_so():
    one = prices.book("us-east-1").tiers("apigw_ws_message")[0]
    part = dataclasses.replace(one, where=f"{one.where}; first tier only", confidence="medium")
    book = dataclasses.replace(prices.book("us-east-1"), rows=(part,))
    assert book.note("apigw_ws_message") == "first tier only; medium confidence"
    assert prices.book("us-east-1").note("apigw_ws_message") == ""


def test_every_price_has_a_source_and_every_meter_a_service():
    for region in prices.regions():
        for r in prices.book(region).rows:
            assert r.source in ledger.sources() and r.where and r.unit
            assert prices.services()[r.meter]


def test_a_book_cannot_be_changed_and_can_be_sent_to_another_process():
    book = prices.book("us-east-1")
    with pytest.raises(AttributeError):
        book.region = "eu-west-1"
    assert pickle.loads(pickle.dumps(book)) == book


def test_loading_prices_needs_neither_pandas_nor_boto3():
    code = """if True:
        import sys
        from model import prices
        prices.book('us-east-1')
        print({'pandas', 'boto3'} & {*sys.modules})"""
    done = subprocess.run([sys.executable, "-c", code], cwd=paths.PACKAGE.parent, capture_output=True)
    assert done.stdout.strip() == b"set()", done.stderr


# bad input to the books


def test_an_unknown_region_offers_the_nearest():
    with pytest.raises(InputError, match="unknown region 'us-east-7'; did you mean 'us-"):
        prices.book("us-east-7")


def test_a_missing_meter_is_named_with_the_regions_that_have_it():
    with pytest.raises(InputError) as error:
        prices.book("ap-southeast-6", on="2026-09-30").tiers("apigw_ws_message")
    said = r"no price for apigw_ws_message in ap-southeast-6 on 2026-09-30; regions with one: \S+, \S+, \S+ and "
    assert re.fullmatch(said + r"\d+ more", str(error.value))


def test_an_unknown_meter_offers_the_nearest():
    with pytest.raises(InputError, match="unknown meter 'apigw_ws_mesage'; did you mean 'apigw_ws_message'"):
        prices.book("us-east-1").tiers("apigw_ws_mesage")


def test_a_date_before_the_first_row_is_refused_where_asked():
    sentence = r"no price for \S+ and \d+ more meters in sa-east-1 on 2020-01-01: its earliest row is of 2025-10-20"
    with pytest.raises(InputError, match=sentence):
        prices.book("sa-east-1", on="2020-01-01", backdate=False)
    assert prices.book("sa-east-1", on="2026-09-24", backdate=False).meters


def test_a_date_that_is_none_is_refused():
    with pytest.raises(InputError, match="on must be a date like 2026-09-30; got '30 Sep'"):
        prices.book("us-east-1", on="30 Sep")


HEADER = "meter,region,effective_from,tier_from,price_usd,unit,source,where,confidence\n"
GOOD = "lambda_request,us-east-1,2026-01-01,0,0.2,request,aws_price_list,test,high\n"


@pytest.mark.parametrize(
    "text, sentence",
    [
        (HEADER + GOOD.replace(",0,", ",10,"), "must start at 0; got a gap up to 10"),
        (HEADER + GOOD + GOOD, "must not overlap; two start at 0"),
        (HEADER + GOOD.replace("0.2,", "-0.2,"), r"price_usd must be >= 0; got -0.2 \(.*us-east-1.csv:2\)"),
        (HEADER + GOOD.replace("0.2,", "NaN,"), "price_usd must be >= 0; got NaN"),
        (HEADER + GOOD.replace("0.2,", "cheap,"), "price_usd must be a number; got 'cheap'"),
        (HEADER.replace("price_usd", "price_eur") + GOOD, "must be in USD .*; got column price_eur"),
        (HEADER + GOOD.replace("2026-01-01", "January"), "effective_from must be a date .*; got 'January'"),
        (HEADER + GOOD.replace("us-east-1", "eu-west-1"), "must be of us-east-1; got 'eu-west-1'"),
        (HEADER + GOOD.replace("aws_price_list", "hearsay"), "source must be an id .*; got 'hearsay'"),
        (HEADER + GOOD.replace("high", "sure"), "unknown confidence 'sure'"),
        (HEADER + GOOD.replace(",request,", ",,"), "must have a unit; got none"),
        (HEADER + GOOD.replace(",high", ""), "must have 9 fields"),
        (HEADER.replace(",unit", "") + GOOD, "must have the column 'unit'"),
        (HEADER, "must hold a row; got none"),
        (HEADER + '"broken\n', "must be CSV text"),
    ],
)
def test_a_price_file_that_cannot_be_used_gives_one_sentence_and_no_book(tmp_path, text, sentence):
    (tmp_path / "us-east-1.csv").write_text(text)
    with pytest.raises(InputError, match=sentence):
        prices.book("us-east-1", folder=tmp_path)


def test_a_folder_without_price_files_is_refused(tmp_path):
    with pytest.raises(InputError, match="must hold a file like us-east-1.csv"):
        prices.book("us-east-1", folder=tmp_path)


def test_a_book_made_by_hand_is_checked_too():
    with pytest.raises(InputError, match="must not overlap"):
        prices.PriceBook("us-east-1", datetime.date(2026, 1, 1), (row(), row()))
    with pytest.raises(InputError, match="the price of lambda_request in us-east-1 must be >= 0 USD"):
        prices.PriceBook("us-east-1", datetime.date(2026, 1, 1), (row(price_usd=Decimal(-1)),))


def test_distances_over_the_globe_are_those_of_the_angle_between_two_places():
    found = books.places()
    for (one, (lat, lon)), (other, (lat_2, lon_2)) in itertools.combinations(found.items(), 2):
        ends = [
            np.array([math.cos(a) * math.cos(b), math.cos(a) * math.sin(b), math.sin(a)])
            for a, b in ((lat, lon), (lat_2, lon_2))
        ]
        angle = math.atan2(np.linalg.norm(np.cross(*ends)), ends[0] @ ends[1])
        assert books.distance_km(one, other) == pytest.approx(books.EARTH_KM * angle, rel=1e-6)
        assert books.distance_km(other, one) == pytest.approx(books.distance_km(one, other), rel=1e-12)
