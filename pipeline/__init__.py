"""From count tables to the compendium."""
