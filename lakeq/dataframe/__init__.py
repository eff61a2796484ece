"""The lazy DataFrame: narwhals' expressions compiled to SQL, planned and run like any query."""
