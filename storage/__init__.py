"""What is on disk: schema, gene list, parts, compendium, queries."""
