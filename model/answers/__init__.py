"""The answer in words: which design is soon enough, the cheapest of them, and what would change that."""

from model.answers.measures import about, away_sentences, title
from model.answers.soon import SoonEnough, soon_enough
from model.answers.words import Answer, answer, choices, move, with_tuned
