"""The rows of a table about people who are away, and what must be said of a design that tells them."""

from __future__ import annotations

import numpy as np

from model import battery, checks
from model.life import away
from model.parts.platforms import away_notes
from model.scenario import Scenario
from model.traffic import Traffic

AWAY_ROWS = {  # as ROWS: label -> measure, figure, unit
    "told when away 1 min": ("away", "away 60", "%"),
    "told when away 1 h": ("away", "away 3600", "%"),
    "battery when away": ("away", "away battery", "%/h"),
}


def away_figure(traffic: Traffic, figure: str):
    """One figure of a design when away: the share told within a limit [s], or battery [%/h]; refused where none."""
    life = traffic.life
    if life.away is None:
        checks.fail(f"{life.design.title} tells nobody when away")
    if figure == "away battery":
        return battery.away_percent_per_hour(traffic)
    if not any(np.any(np.greater(away.recipients_per_month(life, e), 0.0)) for e in life.scenario.events):
        checks.fail("no event of the scenario is sent to anybody who is away")
    return 100.0 * away.told_share(life, float(figure.split()[1]))


def away_lines(scenario: Scenario, names) -> list[str]:
    """What platforms refuse or cap of the designs named, each sentence once."""
    said = (line for name in dict.fromkeys(names) for line in away_notes(name, scenario.designs[name], scenario))
    return list(dict.fromkeys(said))
