"""Many trainings that differ in one thing: which they are, one of them, and what they come to together."""
