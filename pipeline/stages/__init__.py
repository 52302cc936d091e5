"""What one task of each stage does, and the receipt that it returns."""
