"""What a scene is: meshes, materials, crowds, nodes and cameras. Knows no GPU."""
