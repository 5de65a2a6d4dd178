"""Names that the theme and language switches share with the middleware."""

THEMES = ("dark", "light")  # the first is the default
THEME_COOKIE = "atelier_theme"
YEAR_SECONDS = 365 * 24 * 3600
