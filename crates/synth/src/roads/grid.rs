//! Which points are near: a raster of cells.

use super::rows::Rows;
use crate::plane::Point;

/// Finds points by where they are.
#[derive(Clone, Debug)]
pub(crate) struct Grid {
    points: Vec<Point>,
    /// The south-western corner.
    corner: Point,
    cell_m: f64,
    columns: u32,
    lines: u32,
    cells: Rows<u32>,
}

impl Grid {
    /// Finds `points`, of which there is at least one.
    pub(crate) fn new(points: &[Point], cell_m: f64) -> Self {
        let fold = |pick: fn(f64, f64) -> f64| {
            points.iter().copied().reduce(|a, b| Point::new(pick(a.x_m, b.x_m), pick(a.y_m, b.y_m)))
        };
        let corner = fold(f64::min).expect("there is a point");
        let far = fold(f64::max).expect("there is a point");
        let columns = cell(far.x_m - corner.x_m, cell_m) + 1;
        let lines = cell(far.y_m - corner.y_m, cell_m) + 1;
        let mut grid =
            Self { points: points.to_vec(), corner, cell_m, columns, lines, cells: Rows::new(0, Vec::new()) };
        let pairs = points.iter().zip(0..).map(|(&point, number)| {
            let (column, line) = grid.cell(point);
            (line * columns + column, number)
        });
        grid.cells = Rows::new((columns * lines) as usize, pairs.collect());
        grid
    }

    /// The points in a square of that half side around a position, each with its number, in a fixed order.
    pub(crate) fn around(&self, at: Point, half_side_m: f64) -> impl Iterator<Item = (u32, Point)> + '_ {
        let (west, south) = self.cell(Point::new(at.x_m - half_side_m, at.y_m - half_side_m));
        let (east, north) = self.cell(Point::new(at.x_m + half_side_m, at.y_m + half_side_m));
        let cells = (south..=north).flat_map(move |line| (west..=east).map(move |column| line * self.columns + column));
        let points = cells.flat_map(|cell| self.cells.row(cell)).filter_map(|&number| {
            let point = *self.points.get(number as usize)?;
            Some((number, point))
        });
        points.filter(move |(_, point)| {
            (point.x_m - at.x_m).abs() <= half_side_m && (point.y_m - at.y_m).abs() <= half_side_m
        })
    }

    /// The number of the nearest point.
    pub(crate) fn nearest(&self, at: Point) -> u32 {
        let mut reach_m = self.cell_m / 2.0;
        loop {
            let near = self.around(at, reach_m).map(|(number, point)| (number, at.distance_m(point)));
            let best = near.min_by(|a, b| a.1.total_cmp(&b.1));
            if let Some((number, distance_m)) = best
                && distance_m <= reach_m
            {
                return number;
            }
            reach_m *= 2.0;
        }
    }

    /// The cell of a position, or the one nearest to it.
    fn cell(&self, at: Point) -> (u32, u32) {
        let column = cell(at.x_m - self.corner.x_m, self.cell_m).min(self.columns - 1);
        (column, cell(at.y_m - self.corner.y_m, self.cell_m).min(self.lines - 1))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is cut to the raster")]
fn cell(metres: f64, cell_m: f64) -> u32 {
    (metres / cell_m) as u32
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::draws::{Subject, draws};

    #[test]
    fn the_nearest_is_the_nearest() {
        let mut rng = draws(1, 0, 0, Subject::Region);
        let mut point = |half_m: f64| Point::new(rng.random_range(-half_m..half_m), rng.random_range(-half_m..half_m));
        let points: Vec<Point> = (0..200).map(|_| point(5_000.0)).collect();
        let grid = Grid::new(&points, 400.0);
        for _ in 0..200 {
            let at = point(9_000.0);
            let best_m = points.iter().map(|other| at.distance_m(*other)).min_by(f64::total_cmp).unwrap();
            assert_eq!(at.distance_m(points[grid.nearest(at) as usize]), best_m);
            let around = points.iter().filter(|p| (p.x_m - at.x_m).abs().max((p.y_m - at.y_m).abs()) <= 1_500.0);
            assert_eq!(grid.around(at, 1_500.0).count(), around.count());
        }
    }
}
