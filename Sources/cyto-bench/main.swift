print("cyto-pipe")
