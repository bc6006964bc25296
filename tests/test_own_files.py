"""A user's own files: every researched value of real samples, tiny files of each form, broken and hostile ones."""

import own_files
import pytest

LEFT = {  # researched values that no reader gives, by file: how many, and why
    "prices/elb.json": (1, "21 rate codes stand under a hash alone; a price is read by its name"),
    "prices/offer_awslambda_eu-west-1.csv": (4, "lines of products that are none of our meters are not kept"),
}


def test_every_researched_value_is_recovered_to_1e_9(shared):
    score = {}
    for file, rows in own_files.expected(shared).items():
        good, wrong = own_files.covered(shared / "samples" / file, rows)
        assert len(wrong) == LEFT.get(file, (0,))[0], wrong
        score[file] = good
    assert sum(score.values()) == 737


if __name__ == "__main__":
    pytest.main([__file__])
