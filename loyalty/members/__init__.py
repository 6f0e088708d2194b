"""The pages that members open themselves: whose they are, what stands on them, what can be done there."""
