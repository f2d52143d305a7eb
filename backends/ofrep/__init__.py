"""Kill switches for serving processes that speak the OpenFeature Remote Evaluation Protocol (OFREP 0.3) instead of reading a file."""
