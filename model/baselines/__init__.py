"""What a network has to beat: mean, random projection, and principal components."""
