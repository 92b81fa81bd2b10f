"""The doctor: small checks of one set-up, each with what was expected, what was found and the fix. Changes nothing."""
