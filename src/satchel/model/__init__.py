"""The words that all rooms share. Standard library only."""
