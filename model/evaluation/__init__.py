"""What a reconstruction is worth: pure functions of targets and reconstructions."""
