"""Cards in the wallets of telephones. Pure of rows: what a pass says comes in, files and calls go out."""
