//! A server that is of any version: it lets everybody in and answers one question.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

/// Where it is.
pub(crate) fn server(version: i32) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever has heard enough goes.
            let _ = serve(stream, version);
        }
    });
    port
}

/// `bool`, `int4`, `bool`, `text`: what a connection asks first.
const TYPES: [(u32, i16); 4] = [(16, 1), (23, 4), (16, 1), (25, -1)];

fn serve(mut stream: TcpStream, version: i32) -> std::io::Result<()> {
    body(&mut stream)?;
    let ready = message(b'Z', b"I");
    stream.write_all(&[message(b'R', &0_u32.to_be_bytes()), ready.clone()].concat())?;
    loop {
        let mut kind = [0];
        stream.read_exact(&mut kind)?;
        body(&mut stream)?;
        let answer = match kind[0] {
            b'P' => message(b'1', b""),
            b'D' => [message(b't', &0_u16.to_be_bytes()), message(b'T', &description())].concat(),
            b'B' => message(b'2', b""),
            b'E' => [message(b'D', &row(version)), message(b'C', b"SELECT 1\0")].concat(),
            b'S' => ready.clone(),
            _ => vec![],
        };
        stream.write_all(&answer)?;
    }
}

fn body(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut len = [0; 4];
    stream.read_exact(&mut len)?;
    let mut body = vec![0; usize::try_from(u32::from_be_bytes(len)).unwrap() - 4];
    stream.read_exact(&mut body)?;
    Ok(body)
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len() + 4).unwrap();
    [&[kind][..], &len.to_be_bytes(), body].concat()
}

fn description() -> Vec<u8> {
    let mut all = 4_u16.to_be_bytes().to_vec();
    for (oid, size) in TYPES {
        all.extend(b"?\0\0\0\0\0\0\0");
        all.extend(oid.to_be_bytes());
        all.extend(size.to_be_bytes());
        all.extend([0xff, 0xff, 0xff, 0xff, 0, 0]);
    }
    all
}

fn row(version: i32) -> Vec<u8> {
    let values: [&[u8]; 4] = [&[0], &version.to_be_bytes(), &[1], b"on"];
    let mut all = 4_u16.to_be_bytes().to_vec();
    for value in values {
        all.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
        all.extend(value);
    }
    all
}
