"""What each single person is likely to do next: models of rhythm, habits and answers to discounts.

Pure but for numpy and scipy: days are whole numbers since 1970-01-01, people are places in arrays.
"""
