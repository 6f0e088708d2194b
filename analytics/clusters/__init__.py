"""Customers who are alike, by what they did and what is expected of them: pure but for numpy and scipy.

scikit-learn is an extra (requirements-clusters.txt), imported where it is used.
"""
