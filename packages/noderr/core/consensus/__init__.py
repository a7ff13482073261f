"""What the three protocols share beyond their messages: the double-sign guard, the tally, and rounds of votes."""
