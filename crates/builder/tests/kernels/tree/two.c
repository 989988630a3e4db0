const char *two(void)
{
	return __FILE__;
}
