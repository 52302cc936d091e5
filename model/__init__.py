"""Learning from the compendium."""
