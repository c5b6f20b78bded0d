"""The app, in a folder of its own: Streamlit puts the script's folder before the standard library, names and all."""
