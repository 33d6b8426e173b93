"""Reports for the shift crew: what was flagged, where, and why, in one file that needs no network.

Input is plain data, so that reports can be made of any detector's verdicts.
"""

from skdqm.report._card import model_card
from skdqm.report._finding import Finding
from skdqm.report._shifter import shifter_report
from skdqm.report._words import reason_in_words

__all__ = ["Finding", "model_card", "reason_in_words", "shifter_report"]
