"""Small networks and their worlds, for any lesson to take apart (lessons 09 to 11): a network that adds modulo p
(``addition``), a transformer of attention alone, a synthetic language with exact losses, and the network that has
learned it (``copier``)."""

from sltcourse.zoo.attention import AttentionLayer, AttentionOnly, next_symbol_loss, train
from sltcourse.zoo.copier import (
    COPIER_STEPS,
    LANGUAGE,
    copier,
    induction_scores,
    new_copier,
    previous_scores,
    second_copier,
    texts,
)
from sltcourse.zoo.language import CopyLanguage, entropy

__all__ = [
    "COPIER_STEPS",
    "LANGUAGE",
    "AttentionLayer",
    "AttentionOnly",
    "CopyLanguage",
    "copier",
    "entropy",
    "induction_scores",
    "new_copier",
    "next_symbol_loss",
    "previous_scores",
    "second_copier",
    "texts",
    "train",
]
