"""Three families of drawn scenes that share nothing: train, demo and test.

A look is a set of parameter ranges and colours. The ranges of two looks never overlap and no colour is in two of them
(a test holds this), and every random stream is keyed by the look's name, so a scene of one family can never be a
scene of another. What a class looks like in general - a bag, a bin, a hole - stays the same.
"""

from dataclasses import dataclass

Range = tuple[float, float]
Colour = tuple[int, int, int]
"""Blue, green, red; 0 to 255; the share of light that the surface gives back."""
Palette = tuple[Colour, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Ranges to draw from and colours to choose from; lengths in metres."""

    name: str
    asphalt_grey: Range
    asphalt_grain: Range
    patch_cell_m: Range
    slab_m: Range
    pavement_colours: Palette
    wall_colours: Palette
    sign_colours: Palette
    window_pitch_m: Range
    storey_m: Range
    bag_exponent: Range
    bag_crumple: Range
    bag_colours: Palette
    box_colours: Palette
    litter_colours: Palette
    bin_taper: Range
    bin_slenderness: Range
    bin_colours: Palette
    hole_roughness: Range
    hole_darkness: Range
    graffiti_slant: Range
    graffiti_colours: Palette
    heap_steepness: Range
    soil_colours: Palette
    cover_ring: Range
    cone_slenderness: Range
    cone_colours: Palette
    car_height_m: Range
    car_colours: Palette
    leaf_colours: Palette


TRAIN = Look(
    name="train",
    asphalt_grey=(84, 118),
    asphalt_grain=(7.0, 12.0),
    patch_cell_m=(0.55, 0.9),
    slab_m=(0.36, 0.62),
    pavement_colours=((150, 155, 160), (118, 140, 168), (138, 138, 140), (165, 172, 178), (112, 118, 150)),
    wall_colours=((150, 172, 190), (188, 196, 200), (120, 138, 170), (170, 170, 165), (105, 120, 160), (200, 190, 170)),
    sign_colours=((40, 40, 190), (160, 70, 20), (40, 140, 60), (30, 170, 220), (120, 30, 120), (210, 210, 210)),
    window_pitch_m=(2.4, 3.4),
    storey_m=(2.9, 3.3),
    bag_exponent=(1.9, 2.6),
    bag_crumple=(0.07, 0.15),
    bag_colours=(
        (28, 28, 30),
        (34, 30, 30),
        (225, 225, 228),
        (60, 60, 200),
        (190, 120, 40),
        (70, 160, 70),
        (200, 235, 240),
    ),
    box_colours=((92, 135, 178), (110, 152, 190), (80, 118, 158)),
    litter_colours=((238, 238, 240), (60, 70, 210), (210, 150, 60), (60, 190, 220), (150, 210, 150)),
    bin_taper=(0.80, 0.88),
    bin_slenderness=(1.55, 1.95),
    bin_colours=((62, 120, 40), (140, 80, 30), (75, 75, 78), (40, 40, 175), (50, 95, 62)),
    hole_roughness=(0.12, 0.24),
    hole_darkness=(0.34, 0.52),
    graffiti_slant=(-0.10, 0.22),
    graffiti_colours=(
        (40, 30, 200),
        (200, 60, 30),
        (30, 190, 230),
        (60, 180, 60),
        (180, 50, 170),
        (25, 25, 25),
        (240, 240, 240),
    ),
    heap_steepness=(0.50, 0.72),
    soil_colours=((70, 104, 140), (88, 122, 152), (60, 86, 118)),
    cover_ring=(0.10, 0.15),
    cone_slenderness=(1.9, 2.3),
    cone_colours=((20, 90, 240), (30, 70, 225)),
    car_height_m=(1.42, 1.56),
    car_colours=((225, 225, 225), (40, 40, 42), (120, 120, 124), (150, 60, 30), (40, 35, 150), (185, 190, 195)),
    leaf_colours=((45, 98, 62), (38, 82, 58), (60, 118, 80)),
)

DEMO = Look(
    name="demo",
    asphalt_grey=(119, 134),
    asphalt_grain=(4.5, 6.9),
    patch_cell_m=(0.95, 1.3),
    slab_m=(0.64, 0.9),
    pavement_colours=((158, 162, 170), (132, 146, 158), (128, 132, 136)),
    wall_colours=((162, 180, 196), (196, 200, 206), (134, 150, 176), (180, 178, 170), (118, 132, 168)),
    sign_colours=((52, 48, 180), (150, 84, 36), (54, 150, 74), (46, 160, 205)),
    window_pitch_m=(3.5, 4.2),
    storey_m=(3.35, 3.7),
    bag_exponent=(2.65, 3.0),
    bag_crumple=(0.155, 0.19),
    bag_colours=((36, 34, 36), (42, 40, 38), (215, 218, 220), (74, 68, 186), (176, 112, 54), (84, 150, 84)),
    box_colours=((100, 142, 182), (86, 126, 166)),
    litter_colours=((230, 232, 234), (72, 80, 200), (198, 142, 72), (74, 180, 208)),
    bin_taper=(0.885, 0.92),
    bin_slenderness=(1.40, 1.52),
    bin_colours=((70, 128, 52), (130, 86, 42), (84, 84, 86), (52, 50, 165)),
    hole_roughness=(0.245, 0.30),
    hole_darkness=(0.28, 0.335),
    graffiti_slant=(0.23, 0.36),
    graffiti_colours=((52, 42, 190), (190, 72, 42), (44, 178, 218), (74, 170, 74), (168, 64, 158), (34, 32, 32)),
    heap_steepness=(0.73, 0.82),
    soil_colours=((78, 110, 146), (66, 92, 124)),
    cover_ring=(0.155, 0.18),
    cone_slenderness=(1.72, 1.88),
    cone_colours=((28, 98, 232),),
    car_height_m=(1.57, 1.66),
    car_colours=((216, 218, 220), (50, 48, 48), (130, 130, 132), (140, 70, 42), (52, 46, 140)),
    leaf_colours=((52, 106, 70), (46, 90, 64)),
)

TEST = Look(
    name="test",
    asphalt_grey=(135, 146),
    asphalt_grain=(12.5, 15.0),
    patch_cell_m=(0.35, 0.5),
    slab_m=(0.24, 0.34),
    pavement_colours=((142, 150, 166), (148, 146, 146), (124, 130, 146)),
    wall_colours=((142, 164, 184), (178, 188, 194), (112, 128, 166), (160, 164, 160)),
    sign_colours=((62, 58, 170), (142, 92, 48), (66, 158, 88)),
    window_pitch_m=(1.9, 2.35),
    storey_m=(2.6, 2.85),
    bag_exponent=(1.6, 1.85),
    bag_crumple=(0.04, 0.065),
    bag_colours=((44, 44, 46), (206, 210, 214), (86, 80, 174), (164, 104, 66)),
    box_colours=((96, 128, 170), (116, 158, 196)),
    litter_colours=((222, 226, 230), (84, 90, 190), (188, 134, 84)),
    bin_taper=(0.73, 0.79),
    bin_slenderness=(1.97, 2.15),
    bin_colours=((78, 136, 62), (122, 92, 52), (92, 92, 94)),
    hole_roughness=(0.08, 0.115),
    hole_darkness=(0.53, 0.6),
    graffiti_slant=(-0.24, -0.11),
    graffiti_colours=((62, 52, 182), (182, 82, 52), (56, 168, 208), (86, 160, 86)),
    heap_steepness=(0.40, 0.48),
    soil_colours=((84, 116, 150), (72, 98, 130)),
    cover_ring=(0.07, 0.095),
    cone_slenderness=(2.35, 2.6),
    cone_colours=((36, 84, 218),),
    car_height_m=(1.34, 1.41),
    car_colours=((208, 212, 214), (58, 56, 56), (140, 140, 142)),
    leaf_colours=((58, 112, 76), (40, 88, 70)),
)

LOOKS = {look.name: look for look in (TRAIN, DEMO, TEST)}
"""Every look by its name."""
