"""The answer in words: which design is soon enough, the cheapest of them, and what would change that."""

from model.answers.away import away_sentences
from model.answers.measures import about, title
from model.answers.soon import soon_enough
from model.answers.words import answer, move
