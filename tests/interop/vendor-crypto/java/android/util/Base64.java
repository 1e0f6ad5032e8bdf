package android.util;

/** The one function of Android's class that CryptoCipher calls, so that it compiles on a JDK. */
public final class Base64 {

    public static final int DEFAULT = 0;

    private Base64() {}

    public static byte[] decode(String text, int flags) {
        return java.util.Base64.getMimeDecoder().decode(text);
    }

    public static byte[] decode(byte[] text, int flags) {
        return java.util.Base64.getMimeDecoder().decode(text);
    }
}
