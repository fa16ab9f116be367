"""The town of riverside.py an hour after sunset: lit windows, lamps along the quay, their trails on the water."""

import numpy as np
import riverside
from riverside import CHURCH, QUAY, SUN, Surface, hill_height
from scenes import Sky, blur, box, develop, gather, hash01, leaves_of, look_up, mix, smooth_step, unit, vector

LAMPS = [(x, QUAY + 4.3, -2.2) for x in np.arange(-33.5, 75, 8.6)]
NEAR_LAMP = (-25.5, 2.2, -46.0)
LAMPLIGHT = vector(1.0, 0.56, 0.20)
# What burns behind a window: a candle, a bulb, a bright room, a coloured shade.
ROOMS = vector((1.0, 0.34, 0.06), (1.0, 0.46, 0.11), (1.0, 0.62, 0.26), (1.0, 0.25, 0.09))


class NightSky:
    """Deep blue, paler over the hill, with the clouds of the day; stars where there are none."""

    def __init__(self, noise):
        self.noise, self.day = noise, Sky(noise, SUN, 0.49, (3.0, 1.0))

    def clouds(self, directions):
        """Colour and cover of the clouds of the day."""
        turn = np.degrees(np.arctan2(directions[:, 0], directions[:, 2]))
        rise = np.degrees(np.arcsin(np.clip(directions[:, 1], 0, 1)))
        sky = self.day
        return look_up(sky.map, (turn - sky.LEFT) / sky.STEP + 0.5, rise / sky.STEP + 0.5)

    def __call__(self, directions):
        up = np.maximum(directions[:, 1], 0)[:, None]
        blue = mix(vector(0.075, 0.15, 0.30), vector(0.010, 0.024, 0.095), smooth_step(0.02, 0.50, up) ** 0.7)
        glow = np.exp(-((up / 0.13) ** 2)) * np.exp(-(((directions[:, :1] - 0.35) / 0.35) ** 2))
        blue = blue + glow * vector(0.13, 0.085, 0.04)  # what is left of the evening, behind the church
        # Thin high clouds in bands, torn by the wind.
        far = directions[:, [0, 2]] / (up + 0.12)
        band = self.noise.clouds(far[:, 0] * 2.2 + far[:, 1], far[:, 1] * 5.5 - far[:, 0] * 2, 6, 0.62)
        veil = smooth_step(0.40, 0.72, band)[:, None]
        blue = blue * (0.80 + 0.35 * veil) + veil * smooth_step(0.05, 0.3, up) * vector(0.022, 0.033, 0.052)
        cloud = self.clouds(directions)
        brightness = cloud[:, :3].mean(1, keepdims=True)
        return blue * (1 - 0.8 * cloud[:, 3:]) + brightness * vector(0.030, 0.042, 0.082)


class Night(riverside.Light):
    """A little moonlight, a blue sky, and everything that people have lit."""

    sunlight = vector(0.050, 0.066, 0.11)
    skylight = vector(0.030, 0.046, 0.105)
    bounce = vector(0.060, 0.050, 0.055)
    haze = vector(0.035, 0.060, 0.13)
    murk = vector(0.001, 0.002, 0.003), vector(0.002, 0.004, 0.008)
    leaves = 0.02
    mirrored = 0.12

    def sky(self, noise):
        self.dome = NightSky(noise)
        return self.dome

    def fixtures(self):
        iron = Surface("metal", (0.05, 0.055, 0.05), 200)
        posts = []
        for x, y, z in LAMPS:
            posts.append(box(x - 0.07, x + 0.07, QUAY, y - 0.25, z - 0.07, z + 0.07, iron))
            posts.append(box(x - 0.26, x + 0.26, y + 0.32, y + 0.40, z - 0.26, z + 0.26, iron))
        return [posts]

    def sparks(self, generator, noise):
        """The lamps themselves, houses on the hill, stars."""
        lamps = vector(*LAMPS).repeat(14, 0) + generator.normal(0, 0.12, (14 * len(LAMPS), 3))
        x, z = generator.uniform(-60, 330, 46), generator.uniform(80, 210, 46)
        hill = np.stack([x, hill_height(x, z, noise) + 13, z], -1)
        stars = unit(generator.normal(0, 1, (9000, 3)) * vector(1, 0.6, 1)).astype(np.float32)
        clear = np.clip(1 - 1.5 * self.dome.clouds(stars)[:, 3], 0, 1) * smooth_step(0.1, 0.35, stars[:, 1])
        seen = (clear > 0.5) & (stars[:, 2] > 0.2)
        stars, clear = stars[seen], clear[seen]
        magnitude = generator.random(len(stars)) ** 7
        parts = [
            self.shining(lamps, 0.20, LAMPLIGHT * 20),
            self.shining(hill, 0.42, ROOMS[generator.integers(1, 3, len(hill))] * 4),
            # Far beyond everything, and beyond the haze.
            self.shining(stars * 2e5, 110 + 150 * magnitude, (clear * (0.3 + 3 * magnitude))[:, None] * [0.8, 0.9, 1]),
        ]
        sparks = gather(parts)
        sparks.light = np.concatenate([part.light for part in parts])
        return sparks

    @staticmethod
    def shining(points, sizes, light):
        """Round leaves that send out the given light."""
        count = len(points)
        part = leaves_of(
            points, np.tile([0, 0, -1], (count, 1)), np.full(count, 1.0) * sizes, np.ones((count, 3)), 1, 1
        )
        part.light = np.broadcast_to(light, (count, 3)).astype(np.float32)
        return part

    def nearby(self, points, normals):
        """The lamps on the quay, two floodlights at the foot of the tower, a lamp on the near bank."""
        total = np.zeros((len(points), 3), np.float32)
        x, z = CHURCH
        floods = [((x - 9, 20.0, z - 11), 130), ((x + 9, 20.0, z - 11), 90), (NEAR_LAMP, 10)]
        for place, power in [(lamp, 5.5) for lamp in LAMPS] + floods:
            away = vector(*place) - points
            squared = np.einsum("ij,ij->i", away, away)
            facing = np.einsum("ij,ij->i", away, normals) / np.sqrt(squared + 1e-6)
            soft = np.clip(facing * 0.85 + 0.15, 0, 1)
            total += (power * soft / (squared + 1.5))[:, None] * LAMPLIGHT
        return total

    def windows(self, facade):
        """Some rooms are lit, each in its own way: brightest above the middle, where the lamp hangs."""
        room = np.floor(facade.chance * 4096)
        number = facade.wall.number
        burning = hash01(room, number, 21) < 0.56
        kind = (hash01(room, number, 22) * len(ROOMS)).astype(int)
        power = 0.30 + 1.25 * hash01(room, number, 23) ** 2
        lamp = np.exp(-((facade.a / 0.5) ** 2) - ((facade.height - 0.62) / 0.5) ** 2)
        power = power * (0.45 + 0.9 * lamp) * np.where(facade.curtain, 0.42, 1.0)
        return np.where(facade.pane & burning, power, 0)[:, None] * ROOMS[kind]


def paint(width=768, height=512, seed=23, exposures=14):
    """The riverside picture at night."""
    light = riverside.photograph(width, height, seed, exposures, Night())
    glow = 0.55 * blur(np.minimum(light, 5), width / 130) + 0.45 * blur(np.minimum(light, 5), width / 40)
    return develop(light + 0.16 * glow, 1.7, seed, grain=0.013, vignette=0.15, saturation=1.15)
