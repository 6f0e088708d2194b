"""What customers will buy and what that is worth: models of purchases, pure but for numpy and scipy."""
