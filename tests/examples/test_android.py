"""examples/android: the JNI library, the Java API on a desktop JVM, and the Activity as far as a compiler can tell."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from samara.pyruntime.model import load
from tests.conftest import ROOT
from tests.repo._builds import AARCH64, NATIVE, Machine, build, run

PROJECT = ROOT / "examples" / "android"
MAIN = PROJECT / "app" / "src" / "main"
API = sorted((MAIN / "java" / "org" / "samara").glob("*.java"))
ACTIVITY = sorted((MAIN / "java" / "org" / "samara" / "digits").glob("*.java"))
HERE = Path(__file__).resolve().parent
JAVAC = ("javac", "--release", "8", "-Xlint:all,-options", "-Werror", "-encoding", "UTF-8")

PAGE = 16384

# What the library may need: functions that libc, libm and libdl of Android have at API level 24, by the names that
# glibc gives them. Those with underscores, and sincos, are what compilers and linkers make by themselves, but for the
# one that asks glibc about the processor: without glibc the processor is asked.
C_LIBRARY = """
    calloc clock_gettime close fstat free getpid madvise malloc memchr memcmp memcpy memmove memset mmap munmap
    nanosleep open posix_memalign
    fstat64 getauxval mmap64 open64 realloc snprintf strchr strcmp strlen strncmp strrchr syscall sysconf vsnprintf
    write pthread_cond_signal pthread_cond_wait pthread_mutex_lock pthread_mutex_unlock
    __x86_get_cpuid_feature_leaf
    __cxa_finalize __errno_location __stack_chk_fail __aeabi_unwind_cpp_pr0 __getauxval __gmon_start__
    _ITM_deregisterTMCloneTable _ITM_registerTMCloneTable
"""
MATH = """
    acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs floor fma fmax fmin
    fmod frexp hypot ldexp lgamma log log10 log1p log2 lrint lround modf nearbyint nextafter pow remainder rint round
    scalbn sin sincos sinh sqrt tan tanh tgamma trunc
"""
ALLOWED = set(C_LIBRARY.split()) | {f"{name}{suffix}" for name in MATH.split() for suffix in ("", "f")}


@pytest.fixture(scope="session")
def java_home() -> Path:
    """The JDK whose compiler is found first."""
    found = shutil.which("javac")
    if found is None:
        pytest.skip("no javac")
    home = Path(found).resolve().parent.parent
    if not (home / "include" / "jni.h").is_file():
        pytest.skip(f"no include/jni.h in {home}")
    return home


LIBRARIES: dict[str, Path] = {}


def jni_library(machine: Machine, java_home: Path) -> Path:
    """The JNI library for a machine, built once, as the app builds it but for the runtime, which is there."""
    if machine.name not in LIBRARIES:
        folder = ROOT / "build" / "examples" / f"jni-{machine.name}"
        flags = f"-I{java_home / 'include'} -I{java_home / 'include' / 'linux'}"
        options = [*machine.options(), f"-Dsamara_DIR={machine.package()}"]
        build(MAIN / "cpp", folder, f"-DCMAKE_C_FLAGS={flags} -Werror", *options)
        LIBRARIES[machine.name] = folder / "libsamara_jni.so"
    return LIBRARIES[machine.name]


def test_the_runtime_comes_with_it(tmp_path: Path) -> None:
    """As Gradle builds it. Building the runtime once more would tell nothing new."""
    run("cmake", "-S", MAIN / "cpp", "-B", tmp_path)
    assert "samara_objects" in run("cmake", "--build", tmp_path, "--target", "help")


@pytest.fixture(params=[NATIVE, AARCH64], ids=lambda m: m.name)
def library_file(request: pytest.FixtureRequest, java_home: Path) -> Path:
    return jni_library(request.param, java_home)


def symbols(path: Path, option: str) -> set[str]:
    return {line.split()[-1].split("@")[0] for line in run("nm", "-D", option, path).splitlines()}


def test_needs_only_what_android_has(library_file: Path) -> None:
    assert symbols(library_file, "--undefined-only") <= ALLOWED
    needed = re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", library_file))
    assert {name.split(".")[0] for name in needed} <= {"libc", "libm", "libdl"}


def test_is_aligned_to_large_pages(library_file: Path) -> None:
    text = run("readelf", "-W", "-l", library_file)
    alignments = [int(line.split()[-1], 16) for line in text.splitlines() if line.split()[:1] == ["LOAD"]]
    assert alignments
    assert all(alignment % PAGE == 0 for alignment in alignments)


def native_methods() -> set[str]:
    text = (MAIN / "java" / "org" / "samara" / "Native.java").read_text()
    return set(re.findall(r"static native [\w\[\]]+ (\w+)\(", text))


def test_exports_are_the_native_methods(library_file: Path) -> None:
    assert symbols(library_file, "--defined-only") == {
        f"Java_org_samara_Native_{n}" for n in native_methods()
    }


def test_jni_compiles_for_android_without_its_headers(java_home: Path) -> None:
    """clang as the NDK calls it, with Debian's C library headers in the place of Android's."""
    compiler = shutil.which("clang-19") or shutil.which("clang")
    headers = Path("/usr/aarch64-linux-gnu/include")
    if compiler is None or not headers.is_dir():
        pytest.skip("no clang, or no libc6-dev-arm64-cross")
    warnings = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")
    includes = [java_home / "include", java_home / "include" / "linux", ROOT / "runtime_c" / "include"]
    run(
        compiler, "--target=aarch64-linux-android24", "-std=c11", "-fsyntax-only", *warnings, "-isystem", headers,
        *(f"-I{folder}" for folder in includes), MAIN / "cpp" / "samara_jni.c",
    )  # fmt: skip


@pytest.fixture(scope="session")
def classes(java_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled API with its test."""
    folder = tmp_path_factory.mktemp("classes")
    run(*JAVAC, "-d", folder, *API, HERE / "java" / "ApiTest.java")
    return folder


def test_native_methods_agree_with_c(java_home: Path, tmp_path: Path) -> None:
    """The prototypes that javac derives are compiled with the definitions."""
    run(*JAVAC, "-h", tmp_path, "-d", tmp_path, *API)
    header = tmp_path / "org_samara_Native.h"
    source = tmp_path / "both.c"
    source.write_text(f'#include "{header}"\n#include "{MAIN / "cpp" / "samara_jni.c"}"\n')
    includes = [java_home / "include", java_home / "include" / "linux", ROOT / "runtime_c" / "include"]
    flags = ("-std=c11", "-fsyntax-only", "-Wall", "-Wextra", "-Wmissing-prototypes", "-Werror")
    run(shutil.which("cc") or "gcc", *flags, *(f"-I{folder}" for folder in includes), source)


@pytest.fixture(scope="session")
def models(digits_float: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that ApiTest reads."""
    folder = tmp_path_factory.mktemp("java")
    data = ROOT / "tests" / "runtime_c" / "data"
    shutil.copy(digits_float, folder / "digits_float.smr")
    for name in ("state", "dynamic"):
        shutil.copy(data / f"{name}.smr", folder)
    return folder


def run_java(java_home: Path, classes: Path, folder: Path) -> str:
    path = jni_library(NATIVE, java_home).parent
    options = ("-Xcheck:jni", "-ea", "-Xmx64m", "-Dfile.encoding=UTF-8", "-Dsun.jnu.encoding=UTF-8")
    java = java_home / "bin" / "java"
    environment = {"LC_ALL": "C.UTF-8"}
    return run(
        java, *options, f"-Djava.library.path={path}", "-cp", classes, "ApiTest", folder, env=environment
    )


def test_java_api(java_home: Path, classes: Path, models: Path) -> None:
    assert run_java(java_home, classes, models) == "all right\n"


@pytest.mark.parametrize("ends", ["digits_int8", "digits_integers"])
def test_java_api_int8(
    ends: str, java_home: Path, classes: Path, models: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = shutil.copytree(models, tmp_path / "models")
    path: Path = request.getfixturevalue(ends)
    shutil.copy(path, folder / "digits_int8.smr")
    model = load(path)
    info = model.signatures["main"].inputs[0]
    rng = np.random.default_rng(5)
    if info.dtype.kind == "i":
        array = rng.integers(-128, 128, info.shape).astype(info.dtype)
    else:
        array = rng.random(info.shape).astype(info.dtype)
    array.tofile(folder / "input.bin")
    model.run(array).tofile(folder / "output.bin")
    assert run_java(java_home, classes, folder) == "all right\n"


def test_activity_compiles(java_home: Path, tmp_path: Path) -> None:
    stubs = sorted((HERE / "android_stubs").rglob("*.java"))
    run(*JAVAC, "-d", tmp_path, *stubs, *API, *ACTIVITY)


def test_project_names_its_classes() -> None:
    manifest = ElementTree.parse(MAIN / "AndroidManifest.xml").getroot()
    (activity,) = manifest.iter("activity")
    name = activity.get("{http://schemas.android.com/apk/res/android}name")
    assert name is not None
    assert (MAIN / "java" / Path(*name.split("."))).with_suffix(".java") in ACTIVITY
    gradle = (PROJECT / "app" / "build.gradle").read_text()
    assert (PROJECT / "app" / re.findall(r"path '(\S+)'", gradle)[0]).is_file()
    assert "minSdk 24" in gradle
    keep = (PROJECT / "app" / "proguard-rules.pro").read_text()
    assert "org.samara.SamaraException" in keep
    assert "<init>(int, byte[])" in keep


def test_the_activity_knows_the_asset_of_the_manual() -> None:
    (model,) = re.findall(r'MODEL = "(\S+)"', ACTIVITY[0].read_text())
    assert f"assets/{model}" in (PROJECT / "README.md").read_text()
