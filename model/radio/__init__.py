"""The radio: one state machine for every access network, walked packet by packet or in closed form.

Networks are data (`data/radio/`, `profiles`, `profile`). `trace` walks packets with times and bytes;
`mean_power_w` gives the same in closed form for independent timers and Poisson events over a background,
`power_by_source_w` splits it by source, `state_shares` tells what the radio does.
"""

from model.radio.cases import published_cases
from model.radio.library import idle_w, packet_energy_j, profile, profiles, read_profile, tail_energy_j, tail_s, waiting
from model.radio.power import Mixes, mean_power_w, power_by_source_w, state_shares
from model.radio.quiet import Quiet, Source, trusted
from model.radio.states import ACCESS, Promotion, Radio, State, alike, promotion_of, radio_of_draws, state_power_w
from model.radio.walk import Step, power_steps, trace
