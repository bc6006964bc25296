"""The answer in words: which design is soon enough, the cheapest of them, and what would change that."""

from model.answers.away import away_sentences
from model.answers.measures import about, title
from model.answers.soon import SoonEnough, soon_enough
from model.answers.words import Answer, answer, move

__all__ = ["Answer", "SoonEnough", "about", "answer", "away_sentences", "move", "soon_enough", "title"]
