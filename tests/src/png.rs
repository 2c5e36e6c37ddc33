//! Pictures with fewer colours: what Chromium takes, as a PNG with a palette of 256, about a third of the size.

use std::collections::BTreeMap;

/// Colours of a palette, at most (PNG, 11.2.3).
const COLOURS_MAX: usize = 256;
const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];

/// The picture with at most 256 colours. None when it is not one of 8 bits a channel, without interlace, in RGB or RGBA.
pub fn with_fewer_colours(png: &[u8]) -> Option<Vec<u8>> {
    let (width, pixels) = read(png)?;
    let mut counts = BTreeMap::<[u8; 3], usize>::new();
    pixels.iter().for_each(|pixel| *counts.entry(*pixel).or_default() += 1);
    let mut by_count: Vec<([u8; 3], usize)> = counts.into_iter().collect();
    by_count.sort_by_key(|(colour, count)| (std::cmp::Reverse(*count), *colour));
    let palette: Vec<[u8; 3]> = by_count.iter().take(COLOURS_MAX).map(|(colour, _)| *colour).collect();
    let place: BTreeMap<[u8; 3], u8> =
        by_count.iter().map(|(colour, _)| (*colour, nearest(&palette, *colour))).collect();
    let mut raw = Vec::with_capacity(pixels.len() + pixels.len() / width + 1);
    for row in pixels.chunks(width) {
        // No filter: with a palette, neighbours' differences mean nothing.
        raw.push(0);
        raw.extend(row.iter().map(|pixel| place[pixel]));
    }
    Some(write(width, pixels.len() / width, &palette, &raw))
}

fn nearest(palette: &[[u8; 3]], colour: [u8; 3]) -> u8 {
    let far = |other: &[u8; 3]| -> u32 { other.iter().zip(colour).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum() };
    let best = palette.iter().enumerate().min_by_key(|(_, other)| far(other));
    best.map_or(0, |(place, _)| place as u8)
}

/// Width and pixels.
fn read(png: &[u8]) -> Option<(usize, Vec<[u8; 3]>)> {
    let mut rest = png.strip_prefix(&SIGNATURE)?;
    let (mut head, mut packed) = (None, Vec::new());
    while rest.len() >= 12 {
        let length = u32::from_be_bytes(rest[..4].try_into().ok()?) as usize;
        let body = rest.get(8..8 + length)?;
        match &rest[4..8] {
            b"IHDR" => head = Some(body),
            b"IDAT" => packed.extend(body),
            _ => {}
        }
        rest = rest.get(12 + length..)?;
    }
    let head = head?;
    let width = u32::from_be_bytes(head.get(..4)?.try_into().ok()?) as usize;
    let channels = match head.get(8..13)? {
        [8, 2, 0, 0, 0] => 3,
        [8, 6, 0, 0, 0] => 4,
        _ => return None,
    };
    let raw = miniz_oxide::inflate::decompress_to_vec_zlib(&packed).ok()?;
    let stride = width * channels;
    let mut above = vec![0; stride];
    let mut pixels = Vec::new();
    for line in raw.chunks(stride + 1) {
        let (filter, line) = line.split_first()?;
        let mut row = line.to_vec();
        for at in 0..row.len() {
            let left = if at >= channels { row[at - channels] } else { 0 };
            let corner = if at >= channels { above[at - channels] } else { 0 };
            row[at] = row[at].wrapping_add(predicted(*filter, left, above[at], corner)?);
        }
        pixels.extend(row.chunks(channels).filter_map(|pixel| <[u8; 3]>::try_from(&pixel[..3]).ok()));
        above = row;
    }
    Some((width, pixels))
}

/// What a filter foretells of a byte (PNG, 9.2).
fn predicted(filter: u8, left: u8, above: u8, corner: u8) -> Option<u8> {
    let [a, b, c] = [left, above, corner].map(i16::from);
    Some(match filter {
        0 => 0,
        1 => left,
        2 => above,
        3 => ((a + b) / 2) as u8,
        4 => {
            let guess = a + b - c;
            let [pa, pb, pc] = [a, b, c].map(|near| (guess - near).abs());
            if pa <= pb && pa <= pc {
                left
            } else if pb <= pc {
                above
            } else {
                corner
            }
        }
        _ => return None,
    })
}

fn write(width: usize, height: usize, palette: &[[u8; 3]], raw: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    head.extend((width as u32).to_be_bytes());
    head.extend((height as u32).to_be_bytes());
    // 8 bits, a palette, deflate, the only set of filters, no interlace.
    head.extend([8, 3, 0, 0, 0]);
    let mut out = SIGNATURE.to_vec();
    chunk(&mut out, b"IHDR", &head);
    chunk(&mut out, b"PLTE", &palette.concat());
    chunk(&mut out, b"IDAT", &miniz_oxide::deflate::compress_to_vec_zlib(raw, 10));
    chunk(&mut out, b"IEND", &[]);
    out
}

fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], body: &[u8]) {
    out.extend((body.len() as u32).to_be_bytes());
    let from = out.len();
    out.extend(kind);
    out.extend(body);
    let sum = crc32(&out[from..]);
    out.extend(sum.to_be_bytes());
}

/// The checksum of PNG (annex D), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    };
    !bytes.iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_few_colours_stays_what_it_is() {
        let palette = [[1, 2, 3], [250, 0, 9]];
        // Two rows of two pixels, with a filter byte before each.
        let picture = write(2, 2, &palette, &[0, 0, 1, 0, 1, 1]);
        assert_eq!(with_fewer_colours(&picture), None, "a palette is not read again");
        let mut rgb = SIGNATURE.to_vec();
        chunk(&mut rgb, b"IHDR", &[0, 0, 0, 2, 0, 0, 0, 2, 8, 2, 0, 0, 0]);
        // The first row as it is, the second as differences from above.
        let raw = [0, 1, 2, 3, 250, 0, 9, 2, 249, 254, 6, 0, 0, 0];
        chunk(&mut rgb, b"IDAT", &miniz_oxide::deflate::compress_to_vec_zlib(&raw, 10));
        chunk(&mut rgb, b"IEND", &[]);
        let (width, pixels) = read(&rgb).unwrap();
        assert_eq!((width, pixels), (2, vec![[1, 2, 3], [250, 0, 9], [250, 0, 9], [250, 0, 9]]));
        assert!(with_fewer_colours(&rgb).is_some());
    }
}
