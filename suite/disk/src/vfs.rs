//! The file system that SQLite is given: that of the system, with a [`Disk`] asked before every
//! operation of a watched file. The only unsafe code of the project.

#![expect(unsafe_code, reason = "SQLite asks for a file system by C calls")]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::ptr::null_mut;
use std::sync::{Mutex, OnceLock, PoisonError};

use rusqlite::ffi;

use crate::disk::{self, Disk, Verdict};
use crate::plan::Kind;
use crate::trace::What;

const NAME: &CStr = c"counterfoil-disk";

/// Folders and their disks.
static WATCHED: Mutex<Vec<(PathBuf, Disk)>> = Mutex::new(vec![]);

/// The file system of the system, and ours once SQLite has it.
struct Installed(*mut ffi::sqlite3_vfs);

// SAFETY: SQLite keeps the list of file systems under a lock of its own, and neither it nor we change
// an entry once it is there.
unsafe impl Send for Installed {}
// SAFETY: as above.
unsafe impl Sync for Installed {}

static SYSTEM: OnceLock<Option<Installed>> = OnceLock::new();

/// Lets a disk have the files below a folder.
pub(crate) fn watch(folder: PathBuf, disk: Disk) -> Result<(), String> {
    if SYSTEM.get_or_init(install).is_none() {
        return Err("SQLite does not take the file system".into());
    }
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner).push((folder, disk));
    Ok(())
}

/// The folders of this disk are the system's again.
pub(crate) fn release(disk: &Disk) {
    let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    watched.retain(|(_, other)| !other.is(disk));
}

/// SIGKILL: no destructor runs, no buffer is written.
pub(crate) fn die() -> ! {
    unsafe extern "C" {
        fn raise(signal: c_int) -> c_int;
    }
    const SIGKILL: c_int = 9;
    // SAFETY: a call without memory.
    unsafe { raise(SIGKILL) };
    std::process::abort()
}

fn install() -> Option<Installed> {
    // SAFETY: the first call finds the default file system, which lives as long as the process; ours
    // is a copy of it that is leaked, so it does too.
    unsafe {
        let system = ffi::sqlite3_vfs_find(null_mut());
        let ours = Box::leak(Box::new(*system.as_ref()?));
        ours.zName = NAME.as_ptr();
        ours.pNext = null_mut();
        ours.szOsFile += c_int::try_from(size_of::<Shim>()).ok()?;
        ours.xOpen = Some(open);
        ours.xDelete = Some(delete);
        (ffi::sqlite3_vfs_register(ours, 1) == ffi::SQLITE_OK).then_some(Installed(system))
    }
}

fn system() -> *mut ffi::sqlite3_vfs {
    SYSTEM.get().and_then(Option::as_ref).map_or(null_mut(), |installed| installed.0)
}

fn disk_of(path: &Path) -> Option<Disk> {
    let watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    watched.iter().rev().find(|(folder, _)| path.starts_with(folder)).map(|(_, disk)| disk.clone())
}

/// What SQLite holds for an open file; the system's own part follows it in memory.
#[repr(C)]
struct Shim {
    methods: *const ffi::sqlite3_io_methods,
    watched: *mut Watched,
}

struct Watched {
    disk: Disk,
    path: PathBuf,
}

/// # Safety
/// `name` is null or a string of SQLite's.
unsafe fn path_of(name: *const c_char) -> Option<PathBuf> {
    if name.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { CStr::from_ptr(name) }.to_bytes();
    Some(PathBuf::from(OsStr::from_bytes(bytes)))
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let system = system();
    // SAFETY: SQLite gives a name, and room of `szOsFile` bytes for the file.
    unsafe {
        let Some(open) = system.as_ref().and_then(|system| system.xOpen) else {
            return ffi::SQLITE_CANTOPEN;
        };
        let watched = path_of(name).and_then(|path| Some((disk_of(&path)?, path)));
        let Some((disk, path)) = watched else {
            // As if we were not here: the system uses the room from its beginning.
            return open(system, name, file, flags, out);
        };
        let shim = file.cast::<Shim>();
        (*shim).methods = std::ptr::null();
        let done = open(system, name, real(file), flags, out);
        if done == ffi::SQLITE_OK {
            disk.opened(&path);
            (*shim).watched = Box::into_raw(Box::new(Watched { disk, path }));
            (*shim).methods = &raw const METHODS;
        }
        done
    }
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, flush: c_int) -> c_int {
    let system = system();
    // SAFETY: SQLite gives a name.
    unsafe {
        let Some(delete) = system.as_ref().and_then(|system| system.xDelete) else {
            return ffi::SQLITE_IOERR_DELETE;
        };
        let watched = path_of(name).and_then(|path| Some((disk_of(&path)?, path)));
        let Some((disk, path)) = watched else { return delete(system, name, flush) };
        disk.operate(&path, Kind::Change, |verdict| match verdict {
            Verdict::Go | Verdict::Skip | Verdict::Half | Verdict::Full => {
                let done = delete(system, name, flush);
                (done, (done == ffi::SQLITE_OK).then_some(What::Remove))
            }
            Verdict::Error => (ffi::SQLITE_IOERR_DELETE, None),
        })
    }
}

/// # Safety
/// `file` was opened by [`open`] on a watched path.
unsafe fn real(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: the room behind the shim is the system's part.
    unsafe { file.cast::<Shim>().add(1).cast() }
}

/// # Safety
/// As [`real`].
unsafe fn watched<'f>(file: *mut ffi::sqlite3_file) -> &'f Watched {
    // SAFETY: set when it was opened, freed when it is closed.
    unsafe { &*(*file.cast::<Shim>()).watched }
}

/// Calls the system's method of a file.
macro_rules! system {
    ($file:ident, $method:ident, $failed:expr $(, $argument:expr)*) => {{
        // SAFETY: the file is open, and its methods are the system's.
        let real = unsafe { real($file) };
        let methods = unsafe { (*real).pMethods.as_ref() };
        match methods.and_then(|methods| methods.$method) {
            // SAFETY: the arguments are those that SQLite gave us for the same method.
            Some(method) => unsafe { method(real $(, $argument)*) },
            None => $failed,
        }
    }};
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 3,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: Some(fetch),
    xUnfetch: Some(unfetch),
};

type Open = *mut ffi::sqlite3_file;

unsafe extern "C" fn close(file: Open) -> c_int {
    let done = system!(file, xClose, ffi::SQLITE_OK);
    // SAFETY: made by `open`, and nobody asks for this file again.
    drop(unsafe { Box::from_raw((*file.cast::<Shim>()).watched) });
    done
}

unsafe extern "C" fn read(file: Open, to: *mut c_void, len: c_int, from: i64) -> c_int {
    // SAFETY: an open, watched file.
    let Watched { disk, path } = unsafe { watched(file) };
    disk.operate(path, Kind::Read, |verdict| match verdict {
        Verdict::Go | Verdict::Skip | Verdict::Half | Verdict::Full => {
            (system!(file, xRead, ffi::SQLITE_IOERR_READ, to, len, from), None)
        }
        Verdict::Error => (ffi::SQLITE_IOERR_READ, None),
    })
}

unsafe extern "C" fn write(file: Open, from: *const c_void, len: c_int, at: i64) -> c_int {
    // SAFETY: an open, watched file, and `len` bytes of SQLite's.
    let Watched { disk, path } = unsafe { watched(file) };
    let given = usize::try_from(len).unwrap_or_default();
    let given = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), given) };
    disk.operate(path, Kind::Write, |verdict| {
        let (len, failed) = match verdict {
            Verdict::Go | Verdict::Skip => (given.len(), None),
            Verdict::Half => (given.len() / 2, Some(ffi::SQLITE_FULL)),
            Verdict::Full => return (ffi::SQLITE_FULL, None),
            Verdict::Error => return (ffi::SQLITE_IOERR_WRITE, None),
        };
        let part = c_int::try_from(len).unwrap_or_default();
        let done = system!(file, xWrite, ffi::SQLITE_IOERR_WRITE, from, part, at);
        let written = disk::bytes(at.cast_unsigned(), &given[..len]);
        (failed.unwrap_or(done), (done == ffi::SQLITE_OK).then_some(written))
    })
}

unsafe extern "C" fn truncate(file: Open, len: i64) -> c_int {
    // SAFETY: an open, watched file.
    let Watched { disk, path } = unsafe { watched(file) };
    disk.operate(path, Kind::Write, |verdict| match verdict {
        Verdict::Go | Verdict::Skip | Verdict::Half | Verdict::Full => {
            let done = system!(file, xTruncate, ffi::SQLITE_IOERR_TRUNCATE, len);
            (done, (done == ffi::SQLITE_OK).then(|| disk::length(len.cast_unsigned())))
        }
        Verdict::Error => (ffi::SQLITE_IOERR_TRUNCATE, None),
    })
}

unsafe extern "C" fn sync(file: Open, flags: c_int) -> c_int {
    // SAFETY: an open, watched file.
    let Watched { disk, path } = unsafe { watched(file) };
    // Nothing is flushed in fact: what would be lost is known here, and a test that waits for a
    // device proves nothing more.
    let _ = flags;
    disk.operate(path, Kind::Flush, |verdict| match verdict {
        Verdict::Go => (ffi::SQLITE_OK, Some(What::Flush)),
        Verdict::Skip => (ffi::SQLITE_OK, None),
        Verdict::Full | Verdict::Half | Verdict::Error => (ffi::SQLITE_IOERR_FSYNC, None),
    })
}

unsafe extern "C" fn file_size(file: Open, size: *mut i64) -> c_int {
    system!(file, xFileSize, ffi::SQLITE_IOERR_FSTAT, size)
}

unsafe extern "C" fn lock(file: Open, level: c_int) -> c_int {
    system!(file, xLock, ffi::SQLITE_IOERR_LOCK, level)
}

unsafe extern "C" fn unlock(file: Open, level: c_int) -> c_int {
    system!(file, xUnlock, ffi::SQLITE_IOERR_UNLOCK, level)
}

unsafe extern "C" fn check_reserved_lock(file: Open, out: *mut c_int) -> c_int {
    system!(file, xCheckReservedLock, ffi::SQLITE_IOERR_CHECKRESERVEDLOCK, out)
}

unsafe extern "C" fn file_control(file: Open, op: c_int, argument: *mut c_void) -> c_int {
    // Lengths that are announced beforehand would be changes that nobody has counted.
    if op == ffi::SQLITE_FCNTL_SIZE_HINT {
        return ffi::SQLITE_OK;
    }
    system!(file, xFileControl, ffi::SQLITE_NOTFOUND, op, argument)
}

unsafe extern "C" fn sector_size(file: Open) -> c_int {
    system!(file, xSectorSize, 4_096)
}

unsafe extern "C" fn device_characteristics(file: Open) -> c_int {
    system!(file, xDeviceCharacteristics, 0)
}

unsafe extern "C" fn shm_map(
    file: Open,
    page: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    system!(file, xShmMap, ffi::SQLITE_IOERR_SHMMAP, page, size, extend, out)
}

unsafe extern "C" fn shm_lock(file: Open, offset: c_int, n: c_int, flags: c_int) -> c_int {
    system!(file, xShmLock, ffi::SQLITE_IOERR_SHMLOCK, offset, n, flags)
}

unsafe extern "C" fn shm_barrier(file: Open) {
    system!(file, xShmBarrier, ());
}

unsafe extern "C" fn shm_unmap(file: Open, delete: c_int) -> c_int {
    system!(file, xShmUnmap, ffi::SQLITE_OK, delete)
}

unsafe extern "C" fn fetch(file: Open, from: i64, len: c_int, out: *mut *mut c_void) -> c_int {
    system!(file, xFetch, ffi::SQLITE_IOERR_MMAP, from, len, out)
}

unsafe extern "C" fn unfetch(file: Open, from: i64, page: *mut c_void) -> c_int {
    system!(file, xUnfetch, ffi::SQLITE_OK, from, page)
}
