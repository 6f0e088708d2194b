"""The pages of an RFM model: its map, moves, history, whom it pays to contact, engagement, its form."""
