"""The answer in words: which design is soon enough, the cheapest of them, and what would change that."""

from model.answers.away import away_sentences
from model.answers.measures import about, title
from model.answers.soon import SoonEnough, soon_enough
from model.answers.words import Answer, answer, choices, move, with_tuned

__all__ = ["Answer", "SoonEnough", "about", "answer", "away_sentences", "choices", "move", "soon_enough", "title"]
__all__ += ["with_tuned"]
