"""Files of rows that belong to no workspace: Parquet, CSV, JSON Lines; opened side by side and read column by column."""
