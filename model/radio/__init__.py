"""The radio: one state machine for every access network, walked packet by packet or in closed form.

Networks are data (`data/radio/`, `profiles`, `profile`). `trace` walks packets with times and bytes;
`mean_power_w` gives the same in closed form for independent timers and Poisson events over a background,
`power_by_source_w` splits it by source, `state_shares` and `promotions_per_s` tell what the radio does.
"""

from model.radio.attribution import power_by_source_w
from model.radio.cases import Case, published_cases
from model.radio.closed import mean_power_w, promotions_per_s, state_shares
from model.radio.devices import battery_wh, phones
from model.radio.drawn import alike, radio_of_draws
from model.radio.figures import idle_w, packet_energy_j, tail_energy_j, tail_s, with_promotion, with_state
from model.radio.library import Value, profile, profile_values, profiles, read_profile
from model.radio.mixes import Mixes
from model.radio.states import ACCESS, Promotion, Radio, State, promotion_of, state_power_w
from model.radio.steps import Step, power_steps
from model.radio.survival import Source
from model.radio.walk import Trace, trace

__all__ = [
    "ACCESS",
    "Case",
    "Mixes",
    "Promotion",
    "Radio",
    "Source",
    "State",
    "Step",
    "Trace",
    "Value",
    "alike",
    "battery_wh",
    "idle_w",
    "mean_power_w",
    "packet_energy_j",
    "phones",
    "power_by_source_w",
    "power_steps",
    "profile",
    "profile_values",
    "profiles",
    "promotion_of",
    "promotions_per_s",
    "published_cases",
    "radio_of_draws",
    "read_profile",
    "state_power_w",
    "state_shares",
    "tail_energy_j",
    "tail_s",
    "trace",
    "with_promotion",
    "with_state",
]
