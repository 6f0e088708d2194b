"""What the referral API takes and tells, by subject."""
